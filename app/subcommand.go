package app

import (
	"fmt"
	"io"
	"os"

	"pingap/config/schema"
	"pingap/config/secret"
)

// subcommands are what the program does other than serve, by its first argument.
var subcommands = map[string]func(args []string, system System) error{
	"schema":  alone(printSchema),
	"encrypt": alone(encrypt),
	"history": history,
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
