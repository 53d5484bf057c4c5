package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"pingap/admin"
	"pingap/config"
	"pingap/telemetry"
)

// flags are what the command line and the environment say.
type flags struct {
	conf     string // a URL that store.Open knows; "" for the built-in configuration
	test     bool
	version  bool
	help     bool
	log      string // file for the application log; "" for stderr
	logLevel string // "" to leave it to the configuration
	rustLog  string // where neither says it: what Pingap's users have in RUST_LOG
	threads  int    // 0 to leave it to the configuration

	daemon      bool
	upgrade     bool
	autorestart bool
	autoreload  bool
	args        []string // as they were given

	fromEnvironment map[string]bool // options that a variable gave

	admin        string         // where the admin is to listen, as it was given; "" for nowhere
	adminAddress *admin.Address // the same; nil for nowhere

	simple   simple
	template bool
	write    func(*config.Document) ([]byte, error) // the format to print the configuration in; nil to serve
	sync     string                                 // where the configuration is to be written to
}

const usage = `pingap - a reverse proxy

Usage:
  pingap                     run with the built-in configuration: a welcome page and /ping on port 6188
  pingap -c CONF             run with a configuration: a file (TOML, HCL or KDL), a directory of them, or etcd
  pingap --upstream HOST:PORT
                             run without a configuration, before a server
  pingap -c CONF -t          check a configuration, say what was found, and exit (1 if it is wrong)
  pingap help, version       print what --help and --version do
  pingap schema              print the JSON Schema of a configuration
  pingap history -c CONF [SECTION [--restore VERSION]]
                             list the earlier versions of a store with ?enable_history, with what each of a section such
                             as servers.web has changed; or save one of them again
  pingap encrypt             encrypt the standard input with the passphrase in PINGAP_SECRET, for the value of a storage

Options:
`

const usageEnd = `
An option with a variable behind it can be given in the environment instead; the option wins.

Signals:
  TERM, INT    stop accepting, let the exchanges in flight end (basic.grace_period), exit; a second one exits at once
  QUIT         hand the listeners to a new process, started with --upgrade within a minute, then end as after TERM;
               go on when there is none, or it fails
  USR2         start the program anew and hand over to it; go on when it fails
  HUP          read the configuration again and put it into force; it stays as it was when the new one is wrong
  USR1         open the log files again, after they have been moved away

Exit status: 0 after an orderly end, 1 when the configuration is wrong or the proxy could not start, 2 for a wrong command line.
`

// errUsage is wrapped by all errors of the command line.
var errUsage = errors.New("see pingap --help")

// parseFlags reads the arguments and, for options that they leave out, the
// environment.
func parseFlags(args []string, getenv func(string) string) (*flags, *pflag.FlagSet, error) {
	f := &flags{args: args, fromEnvironment: make(map[string]bool)}
	set := pflag.NewFlagSet("pingap", pflag.ContinueOnError)
	set.SortFlags = false
	set.SetOutput(io.Discard)
	set.StringVarP(&f.conf, "conf", "c", "", "configuration: a `file`, a directory, or etcd://host:2379/prefix (PINGAP_CONF)")
	set.BoolVarP(&f.test, "test", "t", false, "check the configuration and exit")
	set.StringVar(&f.log, "log", "", "application log: a `file` or directory, with ?rolling=daily, hourly, minutely or never behind it, or syslog://local; standard error without it (PINGAP_LOG)")
	set.StringVar(&f.logLevel, "log-level", "", "trace, debug, info, warn, error or off, before basic.log_level (PINGAP_LOG_LEVEL)")
	set.IntVar(&f.threads, "threads", 0, "event loops, before basic.threads; one for each CPU without either (PINGAP_THREADS)")
	set.BoolVarP(&f.daemon, "daemon", "d", false, "run in the background; return when it serves, or fails (PINGAP_DAEMON)")
	set.BoolVarP(&f.upgrade, "upgrade", "u", false, "take over from a process that has been sent SIGQUIT (PINGAP_UPGRADE)")
	set.BoolVar(&f.autoreload, "autoreload", false, "put the configuration into force whenever it changes, as after SIGHUP (PINGAP_AUTORELOAD)")
	set.BoolVarP(&f.autorestart, "autorestart", "a", false, "--autoreload, and be replaced by a new process when the program file changes (PINGAP_AUTORESTART)")
	set.StringVar(&f.admin, "admin", "", "answer to requests about the process, and for changes of its configuration, at this `address`: [user:password@]host:port[/prefix][?max_age=2d] (PINGAP_ADMIN_ADDR, with PINGAP_ADMIN_USER and PINGAP_ADMIN_PASSWORD)")
	set.StringVar(&f.simple.upstream, "upstream", "", "run without a configuration, before the servers at these `addresses`, separated by commas")
	set.StringVar(&f.simple.domain, "domain", "", "with --upstream: serve these `names` only, separated by commas")
	set.StringVar(&f.simple.cert, "cert", "", "with --upstream: serve TLS with this certificate `file`, or one in this directory")
	set.StringVar(&f.simple.key, "key", "", "with --cert: its private key `file`, where it is not beside it")
	set.StringVar(&f.simple.addr, "addr", "", "with --upstream: listen on this `address`; 0.0.0.0:80 or, with --cert, :443 without it")
	set.StringVar(&f.sync, "sync", "", "write the configuration to another `store`, such as a file, a directory or etcd://host:2379/prefix, and exit")
	set.Bool("to-hcl", false, "print the configuration in HCL, and exit")
	set.Bool("to-kdl", false, "print the configuration in KDL, and exit")
	set.BoolVar(&f.template, "template", false, "print a configuration to begin with, and exit")
	set.BoolVarP(&f.version, "version", "V", false, "print the version and exit")
	set.BoolVarP(&f.help, "help", "h", false, "print this and exit")
	if err := set.Parse(args); err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", err, errUsage)
	}
	if extra := set.Args(); len(extra) > 0 {
		return nil, nil, noCommand(extra[0])
	}
	if err := f.simple.check(f.conf, set.Changed("upstream")); err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", err, errUsage)
	}
	for option, write := range writers {
		if !set.Changed(option) {
			continue
		}
		if f.write != nil {
			return nil, nil, fmt.Errorf("--to-hcl and --to-kdl exclude each other (%w)", errUsage)
		}
		f.write = write
	}
	if err := f.readEnvironment(set, getenv); err != nil {
		return nil, nil, err
	}
	if set.Changed("threads") && f.threads < 1 {
		return nil, nil, fmt.Errorf("--threads is %d; at least 1 is needed (%w)", f.threads, errUsage)
	}
	if f.simple.upstream != "" {
		f.conf = "" // that of the environment
	}
	if err := f.readAdmin(getenv); err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", err, errUsage)
	}
	f.conf = expandHome(f.conf, getenv)
	f.simple.cert, f.simple.key = expandHome(f.simple.cert, getenv), expandHome(f.simple.key, getenv)
	f.log = expandHome(f.log, getenv)
	f.rustLog = levelOf(getenv("RUST_LOG"))
	return f, set, f.checkLog()
}

// environment names the variables that stand in for options.
var environment = map[string]string{
	"conf":      "PINGAP_CONF",
	"log":       "PINGAP_LOG",
	"log-level": "PINGAP_LOG_LEVEL",
	"threads":   "PINGAP_THREADS",
	"admin":     "PINGAP_ADMIN_ADDR",

	"daemon":      "PINGAP_DAEMON",
	"upgrade":     "PINGAP_UPGRADE",
	"autorestart": "PINGAP_AUTORESTART",
	"autoreload":  "PINGAP_AUTORELOAD",
}

func (f *flags) readEnvironment(set *pflag.FlagSet, getenv func(string) string) error {
	for option, variable := range environment {
		text := getenv(variable)
		if text == "" || set.Changed(option) {
			continue
		}
		if set.Lookup(option).Value.Type() == "bool" {
			text = switchedOn(text)
		}
		if err := set.Set(option, text); err != nil {
			return fmt.Errorf("environment variable %s: %w (%w)", variable, err, errUsage)
		}
		f.fromEnvironment[option] = true
	}
	return nil
}

// switchedOn reads a variable that stands for a switch: any text switches it
// on, but for those that say no.
func switchedOn(text string) string {
	if on, err := strconv.ParseBool(text); err == nil {
		return strconv.FormatBool(on)
	}
	return "true"
}

// expandHome replaces a leading ~ by the home directory.
func expandHome(path string, getenv func(string) string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if home := getenv("HOME"); ok && home != "" && (rest == "" || os.IsPathSeparator(rest[0])) {
		return home + rest
	}
	return path
}

// serves reports whether the command line asks for a proxy, not for something
// that is printed or written.
func (f *flags) serves() bool { return !f.test && f.write == nil && f.sync == "" }

// scrutiny is how closely the command line has a configuration be looked at.
func (f *flags) scrutiny() scrutiny {
	switch {
	case f.test:
		return rehearsed
	case f.serves():
		return toServe
	}
	return asText
}

// named returns what an option was given by: the option itself or its variable.
func (f *flags) named(option string) string {
	if f.fromEnvironment[option] {
		return environment[option]
	}
	return "--" + option
}

// logError says of an error that it is about the log that was asked for.
func (f *flags) logError(err error) error {
	if err == nil || f.log == "" {
		return err
	}
	return fmt.Errorf("%s: %w", f.named("log"), err)
}

// checkLog checks what can be without opening the log.
func (f *flags) checkLog() error {
	if f.logLevel != "" {
		if _, err := telemetry.ParseLevel(f.logLevel); err != nil {
			return fmt.Errorf("%s: %w (%w)", f.named("log-level"), err, errUsage)
		}
	}
	if _, err := telemetry.ParseTarget(f.log); err != nil {
		return fmt.Errorf("%w (%w)", f.logError(err), errUsage)
	}
	return nil
}

// levelOf reads the level for the whole log out of a list of filters, as the
// configuration does; "" when there is none.
func levelOf(filters string) string {
	var level config.LogLevel
	level.UnmarshalText([]byte(filters)) // what it has read holds, whatever it has not
	return string(level)
}
