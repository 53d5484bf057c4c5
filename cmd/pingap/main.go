// Command pingap is a reverse proxy. See pingap --help.
package main

import (
	"os"
	"runtime/debug"

	"pingap/app"
)

// collectAt is by how many percent the heap grows before it is collected, where
// GOGC does not say. What serves a request allocates next to nothing, so that
// collecting twice as often as usual costs little; but what a TLS handshake leaves
// behind would otherwise stay for each connection.
const collectAt = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	stopProfile := startProfile()
	code := app.Main(os.Args[1:], app.Process())
	stopProfile()
	os.Exit(code)
}
