package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// flags are what the command line and the environment say.
type flags struct {
	conf     string // file or directory; "" for the built-in configuration
	test     bool
	version  bool
	help     bool
	log      string // file for the application log; "" for stderr
	logLevel string // "" to leave it to the configuration
	threads  int    // 0 to leave it to the configuration
}

const usage = `pingap - a reverse proxy

Usage:
  pingap                     run with the built-in configuration: a welcome page and /ping on port 6188
  pingap -c CONF             run with a configuration: a file, or a directory of .toml files
  pingap -c CONF -t          check a configuration, say what was found, and exit (1 if it is wrong)

Options:
`

const usageEnd = `
Every option can be given in the environment instead; the option wins.

Signals:
  TERM, INT    stop accepting, let the exchanges in flight end (basic.grace_period), exit; a second one exits at once
  USR1         open the log files again, after they have been moved away

Exit status: 0 after an orderly end, 1 when the configuration is wrong or the proxy could not start, 2 for a wrong command line.
`

// errUsage is wrapped by all errors of the command line.
var errUsage = errors.New("see pingap --help")

// parseFlags reads the arguments and, for options that they leave out, the
// environment.
func parseFlags(args []string, getenv func(string) string) (*flags, *pflag.FlagSet, error) {
	f := &flags{}
	set := pflag.NewFlagSet("pingap", pflag.ContinueOnError)
	set.SortFlags = false
	set.SetOutput(io.Discard)
	set.StringVarP(&f.conf, "conf", "c", "", "configuration `file or directory` (PINGAP_CONF)")
	set.BoolVarP(&f.test, "test", "t", false, "check the configuration and exit")
	set.StringVar(&f.log, "log", "", "application log `file`; standard error without it (PINGAP_LOG)")
	set.StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error, before basic.log_level (PINGAP_LOG_LEVEL)")
	set.IntVar(&f.threads, "threads", 0, "event loops, before basic.threads; one for each CPU without either (PINGAP_THREADS)")
	set.BoolVarP(&f.version, "version", "V", false, "print the version and exit")
	set.BoolVarP(&f.help, "help", "h", false, "print this and exit")
	if err := set.Parse(args); err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", err, errUsage)
	}
	if extra := set.Args(); len(extra) > 0 {
		return nil, nil, fmt.Errorf("%q is no option; a configuration is given as -c %s (%w)", extra[0], extra[0], errUsage)
	}
	if err := fromEnvironment(set, getenv); err != nil {
		return nil, nil, err
	}
	if set.Changed("threads") && f.threads < 1 {
		return nil, nil, fmt.Errorf("--threads is %d; at least 1 is needed (%w)", f.threads, errUsage)
	}
	f.conf = expandHome(f.conf, getenv)
	f.log = expandHome(f.log, getenv)
	return f, set, nil
}

// environment names the variables that stand in for options.
var environment = map[string]string{
	"conf":      "PINGAP_CONF",
	"log":       "PINGAP_LOG",
	"log-level": "PINGAP_LOG_LEVEL",
	"threads":   "PINGAP_THREADS",
}

func fromEnvironment(set *pflag.FlagSet, getenv func(string) string) error {
	for option, variable := range environment {
		text := getenv(variable)
		if text == "" || set.Changed(option) {
			continue
		}
		if err := set.Set(option, text); err != nil {
			return fmt.Errorf("environment variable %s: %w (%w)", variable, err, errUsage)
		}
	}
	return nil
}

// expandHome replaces a leading ~ by the home directory.
func expandHome(path string, getenv func(string) string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if home := getenv("HOME"); ok && home != "" && (rest == "" || os.IsPathSeparator(rest[0])) {
		return home + rest
	}
	return path
}
