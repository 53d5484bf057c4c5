// Package e2e drives the built binary as a black box: it starts the proxy with
// a configuration, puts real peers behind and before it (nginx, curl, wrk,
// net/http, and peers that misbehave on purpose), and looks only at what comes
// out: answers, exit codes, logs, descriptors.
//
// The binary is built as the tests are: with the race detector and the build
// tags that they were started with. A test that meets rare events runs for two
// seconds; PINGAP_SOAK=60s lets each of those run longer.
package e2e
