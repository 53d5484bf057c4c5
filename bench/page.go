package main

import (
	"fmt"
	"strings"
)

// page is the report as a page of the documentation.
func (r *report) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, r.Rounds, r.Duration, closeRounds, strings.Join(closeScenarios(), ", "))
	fmt.Fprintf(&b, "Measured on %s at %s, on %s, of which %d cores, with Linux %s", r.Date, r.Machine.Commit, r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel)
	var programs []string
	for _, result := range r.Results {
		for _, name := range result.peers {
			programs = appendNew(programs, name)
		}
	}
	for name := range r.Machine.Versions {
		programs = appendNew(programs, name)
	}
	for _, name := range programs {
		fmt.Fprintf(&b, ", %s %s", name, r.Machine.Versions[name])
	}
	b.WriteString(".\n\n## Under load\n\n")
	b.WriteString("| scenario | proxy | requests/s | p50 ms | p99 ms | CPU per request (user + system) | core used | memory | ours to theirs | wanted |\n|---|---|---|---|---|---|---|---|---|---|\n")
	r.rows(&b, false)
	b.WriteString("\n## At rest\n\n| scenario | proxy | figure | ours to theirs | wanted |\n|---|---|---|---|---|\n")
	r.rows(&b, true)
	b.WriteString("\n## Scenarios\n\n")
	for _, result := range r.Results {
		fmt.Fprintf(&b, "- **%s**: %s\n", result.Name, result.About)
	}
	r.writeNotes(&b)
	b.WriteString(pageTail)
	return b.String()
}

func appendNew(list []string, name string) []string {
	for _, known := range list {
		if known == name {
			return list
		}
	}
	return append(list, name)
}

// rows writes those of the loads or those of the gauges.
func (r *report) rows(b *strings.Builder, gauges bool) {
	for _, result := range r.Results {
		for i, name := range result.peers {
			s := result.typical(name)
			if (s.Figure != 0) != gauges {
				continue
			}
			title, ratio := "", ""
			if i == 0 {
				title = "**" + result.Name + "**"
			}
			if spread, ok := result.Ratios[name]; ok {
				ratio = spread.String()
			}
			fmt.Fprintf(b, "| %s | %s ", title, name)
			if gauges {
				fmt.Fprintf(b, "| %.1f %s ", s.Figure, result.Unit)
			} else {
				fmt.Fprintf(b, "| %.0f | %.3f | %s | %s (%s + %s) | %.0f %% | %.1f MiB ",
					s.Rate, s.P50, quantile(s.P99), short(s.cost()), short(s.User), short(s.System), 100*s.Busy, s.Memory/(1<<20))
			}
			fmt.Fprintf(b, "| %s | %s |\n", ratio, result.verdict(name))
		}
	}
}

func (r *report) writeNotes(b *strings.Builder) {
	var notes []string
	for _, result := range r.Results {
		for _, name := range result.peers {
			for _, note := range result.notes(name) {
				notes = append(notes, result.Name+", "+note)
			}
		}
	}
	if notes == nil {
		return
	}
	b.WriteString("\n## What disturbed the measurements\n\n")
	for _, note := range notes {
		fmt.Fprintf(b, "- %s\n", note)
	}
}

const pageHead = "<!-- Written by `go run ./bench`: do not edit. -->\n" + `
# Benchmarks

The proxy beside nginx, HAProxy and, where it is about TLS, Caddy: %d rounds of %s for each proxy in each
scenario under load, %d times as many where a few percent decide (%s), a quarter
at rest, the proxies taking turns.

- **Cores.** The proxy under test has one core, with one worker, thread or loop.
  Its upstream and its clients have the others. They are often what bounds
  requests per second, so "core used" says how much of its core the proxy needed
  for that rate. What compares proxies is the CPU time of a request.
- **CPU per request** is the time that the scheduler counted for the proxy's
  processes during a round, divided by the requests that were answered. It is
  split into user and system time by the kernel's ticks, which is less exact.
- **Ours to theirs** is our cost divided by the peer's within a round: the median
  of the rounds, then the quartiles, between which half of them lie. Below 1 we
  are cheaper.
- **Wanted** is what this project has set itself, in that ratio or in the unit
  of the figure.
- Over HTTP/2 the time of a request is the mean instead of p50, since h2load tells
  no quantiles.
- Figures are medians of the rounds. Memory is the proportional set size of the
  proxy's processes, which leaves out what the kernel holds for connections.

`

const pageTail = `
## How the peers are configured

The configurations are the templates in ` + "`bench/peer.go`" + `. All of them keep
connections to the upstream and write no error logs. nginx passes request bodies
on as they come and keeps responses off the disk, which is cheaper for it than
its defaults. HAProxy reuses any idle connection to the upstream. With access
logs on, we and nginx collect lines and write them to a file in batches, with
the same fields; HAProxy has no such log, and writes each line to its standard
output, a file here, which costs it a system call for each request.

## How to repeat it

    make bench

It needs Linux, two cores that have nothing else to do, nginx, HAProxy and wrk
(in Debian: nginx-light, haproxy, wrk), and about ten minutes. It writes this
page, and all samples to ` + "`bench/results/latest.json`" + `. A part of it, which leaves
both as they are:

    go run ./bench -scenario '^small$' -peers pingap,nginx
    go run ./bench -quick
    go run ./bench -scenario ping -baseline path/to/another/pingap
    go run ./bench -scenario small -profile profiles   # then: go tool pprof profiles/small.prof

The scenarios are the table in ` + "`bench/scenario.go`" + `.
`
