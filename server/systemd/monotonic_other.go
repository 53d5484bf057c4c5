//go:build !linux

package systemd

import "time"

// monotonic is not asked for: systemd is of Linux.
func monotonic() (time.Duration, error) { return 0, nil }
