package main

import "slices"

// scenario is one thing that is measured, by a load or by a gauge. Adding one
// is adding an entry to scenarios.
type scenario struct {
	name    string
	about   string
	load    *load  // requests that a generator makes; their cost is compared
	gauge   *gauge // or one figure of a process that has just been started
	logs    bool   // with access logs on
	splice  bool   // with content moved within the kernel, where that is a setting
	tls     bool   // over TLS
	close   bool   // some percent decide about a budget, so it takes closeRounds times the rounds
	budgets []budget
}

// closeRounds is how many rounds of a close scenario there are for one of others:
// three times as many bring the error of the median down to nearly a half.
const closeRounds = 3

// rounds returns how many rounds the scenario takes where others take some.
func (s scenario) rounds(usual int) int {
	if s.close {
		return closeRounds * usual
	}
	return usual
}

// closeScenarios returns the names of those that are close.
func closeScenarios() []string {
	var names []string
	for _, s := range scenarios {
		if s.close {
			names = append(names, s.name)
		}
	}
	return names
}

// among returns those of some peers that take part.
func (s scenario) among(all []peer) []peer {
	return slices.DeleteFunc(slices.Clone(all), func(p peer) bool { return p.tlsOnly && !s.tls })
}

// budget is what our cost may be at most: a ratio to a peer's or, with none, a
// figure in the unit of the scenario.
type budget struct {
	against string // name of the peer
	most    float64
}

var scenarios = []scenario{
	{
		name: "ping", about: "a reply of four bytes made by the proxy, 32 connections",
		load: &load{with: wrk, path: "/ping", connections: 32}, close: true,
		budgets: []budget{{"nginx", 1.0}},
	},
	{
		name: "mock", about: "a configured reply of 1 kB made by the proxy, 32 connections",
		load: &load{with: wrk, path: "/mock", connections: 32}, close: true,
		budgets: []budget{{"nginx", 1.0}},
	},
	{
		name: "small", about: "a small response from the upstream, 32 connections",
		load: &load{with: wrk, path: "/small", connections: 32}, close: true,
		budgets: []budget{{"nginx", 0.95}},
	},
	{
		name: "small-logged", about: "the same with access logs on in all",
		load: &load{with: wrk, path: "/small", connections: 32}, logs: true, close: true,
		budgets: []budget{{"nginx", 1.0}},
	},
	{
		name: "small-1000", about: "the same without logs, 1,000 connections",
		load: &load{with: wrk, path: "/small", connections: 1000},
	},
	{
		name: "100k", about: "100 kB from the upstream, 32 connections",
		load: &load{with: wrk, path: "/100k", connections: 32},
	},
	{
		name: "10m", about: "10 MB from the upstream, 8 connections",
		load:    &load{with: wrk, path: "/10m", connections: 8},
		budgets: []budget{{"haproxy", 0.7}},
	},
	{
		name: "10m-spliced", about: "the same, HAProxy told to splice as well",
		load: &load{with: wrk, path: "/10m", connections: 8}, splice: true,
	},
	{
		name: "post-100k", about: "100 kB to an upstream that reads it, 32 connections",
		load: &load{with: wrk, path: "/sink", connections: 32, body: 100_000},
	},
	{
		name: "h1-tls", about: "a small response from the upstream over HTTP/1.1 and TLS 1.3, 32 connections",
		load: &load{with: wrk, path: "/small", connections: 32}, tls: true,
		budgets: []budget{{"nginx", 0.9}},
	},
	{
		name: "h2-small", about: "a small response from the upstream over HTTP/2 and TLS 1.3, 8 connections of 32 streams",
		load: &load{with: h2load, path: "/small", connections: 8, streams: 32}, tls: true,
		budgets: []budget{{"nginx", 1.0}},
	},
	{
		name: "h2-10m", about: "10 MB from the upstream over HTTP/2 and TLS 1.3, 8 connections",
		load: &load{with: h2load, path: "/10m", connections: 8, streams: 1}, tls: true,
	},
	{
		name: "handshake", about: "CPU time of a full TLS 1.3 handshake with an ECDSA certificate, and one request",
		gauge: &gauge{measure: fullHandshakes, unit: "µs"}, tls: true,
	},
	{
		name: "resumed", about: "the same when the session is resumed",
		gauge: &gauge{measure: resumedHandshakes, unit: "µs"}, tls: true,
	},
	{
		name: "idle-tls", about: "memory of the process for each of 5,000 idle TLS connections that have carried a request",
		gauge: &gauge{measure: idleTLSMemory, unit: "bytes"}, tls: true,
		budgets: []budget{{most: 12 << 10}},
	},
	{
		name: "idle", about: "memory of the process for each of 10,000 idle connections that have carried a request",
		gauge:   &gauge{measure: idleMemory, unit: "bytes"},
		budgets: []budget{{most: 1024}},
	},
	{
		name: "start", about: "from the start of the process to its first answer",
		gauge:   &gauge{measure: startTime, unit: "ms"},
		budgets: []budget{{most: 50}},
	},
}
