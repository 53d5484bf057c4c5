// Command pingap is a reverse proxy. See pingap --help.
package main

import (
	"os"

	"pingap/app"
)

func main() {
	stopProfile := startProfile()
	code := app.Main(os.Args[1:], app.Process())
	stopProfile()
	os.Exit(code)
}
