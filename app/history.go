package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"pingap/config/store"
)

// history lists the earlier versions of what a store holds, or saves one of
// them again.
func history(args []string, system System) error {
	set := pflag.NewFlagSet("pingap history", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	conf := set.StringP("conf", "c", system.Getenv("PINGAP_CONF"), "")
	restored := set.String("restore", "", "")
	if err := set.Parse(args); err != nil {
		return err
	}
	switch {
	case *conf == "":
		return errors.New("no store is named: give -c CONF")
	case set.NArg() > 1:
		return fmt.Errorf("%q is one argument too many", set.Arg(1))
	case *restored != "" && set.NArg() == 0:
		return errors.New("--restore needs the section whose version it names, such as servers.web")
	}
	s, err := store.Open(*conf)
	if err != nil {
		return err
	}
	defer s.Close()
	category, name, _ := strings.Cut(set.Arg(0), ".")
	if *restored != "" {
		return restore(s, category, name, *restored, system)
	}
	versions, err := s.History(context.Background(), category, name)
	if err != nil {
		return err
	}
	listVersions(system.Stdout, versions, category != "")
	return nil
}

// listVersions prints versions, the newest first, with what each has changed
// where that is wanted.
func listVersions(w io.Writer, versions []store.Version, whole bool) {
	slices.SortStableFunc(versions, func(a, b store.Version) int { return b.Time.Compare(a.Time) })
	if len(versions) == 0 {
		fmt.Fprintln(w, "nothing has been saved")
	}
	for i, v := range versions {
		fmt.Fprintf(w, "%s  %-26s  %s  %s\n", v.Time.Local().Format(time.DateTime), cmp.Or(v.Author, "found"), section(v), v.ID)
		if !whole {
			continue
		}
		before := ""
		if i+1 < len(versions) {
			before = versions[i+1].Text
		}
		for _, line := range store.Diff(before, v.Text) {
			fmt.Fprintln(w, "  ", line)
		}
	}
}

// section names the section of a version, and says when it was deleted.
func section(v store.Version) string {
	name := strings.TrimSuffix(v.Category+"."+v.Name, ".")
	if v.Text == "" {
		name += " (deleted)"
	}
	return name
}

// restore saves an earlier version of a section.
func restore(s *store.Store, category, name, version string, system System) error {
	ctx := context.Background()
	wanted, err := s.Version(ctx, category, name, version)
	if err != nil {
		return err
	}
	from := &source{name: s.String(), store: s}
	sound := func(snapshot *store.Snapshot) error {
		_, problems := from.decode(ctx, snapshot, nil, asText)
		if found := problems.Errors(); len(found) > 0 {
			return fmt.Errorf("the configuration would be wrong, so nothing was saved:\n%w", found)
		}
		return nil
	}
	// What is right stays right. What is wrong may need several versions.
	if now, err := s.Read(ctx); err != nil || sound(now) != nil {
		sound = nil
	}
	if err := s.SaveIf(ctx, operator(system, "pingap history"), sound, wanted.Restore(store.Any)); err != nil {
		return err
	}
	fmt.Fprintf(system.Stdout, "%s is what it was in version %s\n", strings.TrimSuffix(category+"."+name, "."), version)
	return nil
}

// operator names who changes a configuration from the command line, and with
// which command: for the history. Behind sudo, that is who called it.
func operator(system System, command string) string {
	name := system.Getenv("SUDO_USER")
	if who, err := user.Current(); name == "" && err == nil {
		name = who.Username
	}
	if name == "" {
		return command
	}
	return name + ", " + command
}
