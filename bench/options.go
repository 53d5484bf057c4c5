package main

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Where a complete run keeps what it found.
const (
	keptJSON     = "bench/results/latest.json"
	keptMarkdown = "docs/benchmarks.md"
)

// options are what the flags choose.
type options struct {
	scenarios []scenario
	peers     []peer
	rounds    int
	duration  time.Duration
	binary    string // the proxy's; "" to build it
	json      string // "" to write none
	markdown  string // "" to write none
	profile   string // directory for CPU profiles; "" for none
}

// measures reports whether the peer of that name takes part.
func (o *options) measures(name string) bool {
	return slices.ContainsFunc(o.peers, func(p peer) bool { return p.name == name })
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	set := flag.NewFlagSet("bench", flag.ExitOnError)
	set.IntVar(&o.rounds, "rounds", 20, "how often each proxy is measured under load; at rest a quarter of that")
	set.DurationVar(&o.duration, "duration", time.Second, "how long one measurement lasts, in whole seconds")
	set.StringVar(&o.binary, "binary", "", "measure this `file` instead of building ./cmd/pingap")
	set.StringVar(&o.json, "json", "", "write the results to this `file`; "+keptJSON+" after a complete run")
	set.StringVar(&o.markdown, "markdown", "", "write a page to this `file`; "+keptMarkdown+" after a complete run")
	set.StringVar(&o.profile, "profile", "", "measure the proxy alone, and write a CPU profile for each scenario to this `directory`")
	pattern := set.String("scenario", "", "measure the scenarios whose name matches this `regexp`: "+strings.Join(names(scenarios), ", "))
	peerList := set.String("peers", "", "measure these proxies, separated by commas: "+strings.Join(names(peers), ","))
	baseline := set.String("baseline", "", "measure this other `file` of ours as one more peer")
	connections := set.Int("connections", 0, "use so many connections in every scenario")
	quick := set.Bool("quick", false, "two rounds of a second: a rough picture")
	set.Parse(args)
	if *quick {
		o.rounds = 2
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if o.rounds < 1 || o.duration < time.Second || o.duration%time.Second != 0 {
		return nil, errors.New("at least one round of a whole number of seconds is needed")
	}
	if o.profile != "" {
		*peerList = ours
	}
	if err := errors.Join(o.chooseScenarios(*pattern, *connections), o.choosePeers(*peerList, *baseline)); err != nil {
		return nil, err
	}
	o.keepComplete(set)
	return o, nil
}

func (o *options) chooseScenarios(pattern string, connections int) error {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("-scenario: %w", err)
	}
	for _, s := range scenarios {
		if !expression.MatchString(s.name) || o.profile != "" && s.load == nil {
			continue
		}
		if connections > 0 && s.load != nil {
			changed := *s.load
			changed.connections = connections
			s.load = &changed
		}
		o.scenarios = append(o.scenarios, s)
	}
	if o.scenarios == nil {
		return fmt.Errorf("-scenario %s: none matches; there are %s", pattern, strings.Join(names(scenarios), ", "))
	}
	return nil
}

func (o *options) choosePeers(list, baseline string) error {
	o.peers = slices.Clone(peers)
	if list != "" {
		o.peers = nil
		for _, name := range strings.Split(list, ",") {
			i := slices.Index(names(peers), strings.TrimSpace(name))
			if i < 0 {
				return fmt.Errorf("-peers: no proxy is named %q; there are %s", name, strings.Join(names(peers), ", "))
			}
			o.peers = append(o.peers, peers[i])
		}
	}
	if baseline != "" {
		old := peers[slices.Index(names(peers), ours)]
		old.name, old.program = "baseline", baseline
		o.peers = append(o.peers, old)
	}
	return nil
}

// keepComplete makes a run over everything write to where results are kept.
func (o *options) keepComplete(set *flag.FlagSet) {
	complete := true
	set.Visit(func(f *flag.Flag) {
		complete = complete && slices.Contains([]string{"rounds", "duration", "json", "markdown"}, f.Name)
	})
	if complete && o.json == "" {
		o.json = keptJSON
	}
	if complete && o.markdown == "" {
		o.markdown = keptMarkdown
	}
}

// named are the entries of the tables.
type named interface{ title() string }

func (s scenario) title() string { return s.name }
func (p peer) title() string     { return p.name }

func names[T named](table []T) []string {
	var all []string
	for _, entry := range table {
		all = append(all, entry.title())
	}
	return all
}
