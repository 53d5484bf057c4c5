package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
		return restore(s, category, name, *restored, system.Stdout)
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
		fmt.Fprintf(w, "%s  %-20s  %s  %s\n", v.Time.Local().Format(time.DateTime), cmp.Or(v.Author, "found"), section(v), v.ID)
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
func restore(s *store.Store, category, name, version string, w io.Writer) error {
	ctx := context.Background()
	now, err := s.Read(ctx)
	if err != nil {
		return err
	}
	base := ""
	items, _ := now.Items() // what cannot be read is no reason not to replace it
	for _, item := range items {
		if item.Category == category && item.Name == name {
			base = item.Revision
		}
	}
	if err := s.Restore(ctx, "pingap history", category, name, version, base); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s is what it was in version %s\n", strings.TrimSuffix(category+"."+name, "."), version)
	return nil
}
