//go:build !linux

package app

import "errors"

// keepPorts fails: capabilities are Linux's.
func keepPorts() (after func() error, err error) { return nil, errors.ErrUnsupported }
