// Command pingap is a reverse proxy. See pingap --help.
package main

import (
	"os"

	"pingap/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], app.Process()))
}
