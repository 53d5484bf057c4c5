package config

import "errors"

// ValidName returns an error that says what is wrong with the name of a
// section, or nil. Names become names of files and of metrics, and values in
// logs.
func ValidName(name string) error {
	if message := checkName(name); message != "" {
		return errors.New(message)
	}
	return nil
}
