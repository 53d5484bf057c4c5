package main

// scenario is one thing that is measured. Adding one is adding an entry to
// scenarios.
type scenario struct {
	name        string
	about       string
	path        string
	connections int
	script      string                                // for wrk
	logs        bool                                  // with access logs on in all
	kind        func(*bed, *process) (float64, error) // instead of a load: one figure per round
	unit        string                                // of that figure
	budget      map[string]float64                    // highest ratio to a peer, by its name
	limit       float64                               // highest figure, for kinds
}

// postScript makes wrk send 100 kB with each request.
const postScript = `wrk.method = "POST"; wrk.body = string.rep("x", 100000); wrk.headers["Content-Type"] = "application/octet-stream"`

var scenarios = []scenario{
	{name: "ping", about: "a reply made by the proxy itself, 32 connections", path: "/ping", connections: 32, budget: map[string]float64{"nginx": 1.0}},
	{name: "small", about: "a small response from the upstream, 32 connections", path: "/small", connections: 32, budget: map[string]float64{"nginx": 0.95}},
	{name: "small-logged", about: "the same with access logs on in all", path: "/small", connections: 32, logs: true, budget: map[string]float64{"nginx": 1.0}},
	{name: "small-1000", about: "the same without logs over 1,000 connections", path: "/small", connections: 1000},
	{name: "100k", about: "100 kB from the upstream, 32 connections", path: "/100k", connections: 32},
	{name: "10m", about: "10 MB from the upstream, 8 connections", path: "/10m", connections: 8, budget: map[string]float64{"haproxy": 1.0}},
	{name: "post-100k", about: "100 kB to the upstream, 32 connections", path: "/small", connections: 32, script: postScript},
	{name: "idle", about: "memory of the process for each of 10,000 idle connections", kind: (*bed).idleMemory, unit: "bytes", limit: 1024},
	{name: "start", about: "from the start of the process to its first answer", kind: (*bed).startTime, unit: "ms", limit: 50},
}
