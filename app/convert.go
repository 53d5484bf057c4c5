package app

import (
	"context"
	"errors"
	"io"

	"pingap/config"
	"pingap/config/hcl"
	"pingap/config/kdl"
)

// writers write a configuration in another format, by the option that asks for
// it.
var writers = map[string]func(*config.Document) ([]byte, error){
	"to-hcl": hcl.Write,
	"to-kdl": kdl.Write,
}

// convert prints a configuration, which has been found right, as it is stored:
// secrets stay encrypted.
func convert(from *source, write func(*config.Document) ([]byte, error), stdout io.Writer) error {
	if from.builtIn() {
		return errors.New("there is no configuration to convert: name one with -c")
	}
	snapshot, err := from.store.Read(context.Background())
	if err != nil {
		return err
	}
	text, err := write(snapshot.Document())
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	return err
}
