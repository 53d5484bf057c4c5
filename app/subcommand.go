package app

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"pingap/config/schema"
	"pingap/config/secret"
)

// subcommands are what the program does other than serve, by its first argument.
var subcommands = map[string]func(args []string, system System) error{
	"schema":  alone(printSchema),
	"encrypt": alone(encrypt),
	"history": history,
}

// options makes options of "help" and "version", which others expect to be
// commands.
func options(args []string) []string {
	if len(args) == 1 && (args[0] == "help" || args[0] == "version") {
		return []string{"--" + args[0]}
	}
	return args
}

// noCommand says what an argument could have been that is no option.
func noCommand(word string) error {
	switch {
	case strings.ContainsAny(word, "./:~"):
		return fmt.Errorf("%q is no option; a configuration is given as -c %s (%w)", word, word, errUsage)
	case word == "reload" || word == "stop" || word == "restart":
		return fmt.Errorf("%q is no command; a process that runs is told by a signal: HUP to reload, TERM to stop, USR2 to start anew (%w)", word, errUsage)
	}
	known := append(slices.Sorted(maps.Keys(subcommands)), "help", "version")
	return fmt.Errorf("%q is no command; there are %s, and a configuration is given as -c %s (%w)", word, strings.Join(known, ", "), word, errUsage)
}

// alone makes a subcommand of what takes no arguments.
func alone(command func(System) error) func([]string, System) error {
	return func(args []string, system System) error {
		if len(args) > 0 {
			return fmt.Errorf("%q is one argument too many", args[0])
		}
		return command(system)
	}
}

// subcommand does what the arguments ask for, and returns the exit code. ok is
// false when they name no subcommand.
func subcommand(args []string, system System) (code int, ok bool) {
	if len(args) == 0 || subcommands[args[0]] == nil {
		return 0, false
	}
	if err := subcommands[args[0]](args[1:], system); err != nil {
		fmt.Fprintf(system.Stderr, "pingap: %s: %v\n", args[0], err)
		return exitFailed, true
	}
	return exitOK, true
}

func printSchema(system System) error {
	_, err := system.Stdout.Write(schema.JSON())
	return err
}

// maxSecret bounds a text that is encrypted.
const maxSecret = 1 << 20

// encrypt prints a text from the standard input as the value of a storage. The
// passphrase is not an argument, which everybody on the machine could see.
func encrypt(system System) error {
	passphrase := system.Getenv("PINGAP_SECRET")
	if passphrase == "" {
		return fmt.Errorf("the environment variable PINGAP_SECRET holds no passphrase")
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, maxSecret+1))
	if err != nil {
		return err
	}
	if len(text) > maxSecret {
		return fmt.Errorf("the text is longer than %d bytes", maxSecret)
	}
	value, err := secret.Encrypt(string(text), passphrase)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(system.Stdout, value)
	return err
}
