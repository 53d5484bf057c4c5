package certificate

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ticketFileForm is the one line of a file of ticket keys: how many seconds a
// period has, the period, and its secret.
const ticketFileForm = "pingap session tickets, secret: %d %d %s\n"

// share brings the chain and the file together: what the file says holds, and
// it moves on with the time, so that what is past does not stay in it. All
// processes write the same, so it does not matter who is first. It is called
// with mu held.
func (k *TicketKeys) share(now time.Time) error {
	path := k.spec.File
	found, err := k.readFile(now)
	if errors.Is(err, fs.ErrNotExist) {
		// Of those that begin at the same time, one creates it, and the others
		// take what is in there.
		if err = writeTicketFile(path, k.format(k.chain.upTo(k.oldest(now))), os.Link); errors.Is(err, fs.ErrExist) || err == nil {
			found, err = k.readFile(now)
		}
	}
	if err != nil {
		return fmt.Errorf("session ticket keys: file %s: %w", path, err)
	}
	k.chain = found.upTo(k.oldest(now))
	if k.chain.period == found.period {
		return nil
	}
	if err := writeTicketFile(path, k.format(k.chain), os.Rename); err != nil {
		return fmt.Errorf("session ticket keys: file %s: %w", path, err)
	}
	return nil
}

func (k *TicketKeys) format(c chain) string {
	return fmt.Sprintf(ticketFileForm, int64(k.spec.Every/time.Second), c.period, hex.EncodeToString(c.secret[:]))
}

// readFile reads the chain that is in the file, when nobody else could.
func (k *TicketKeys) readFile(now time.Time) (c chain, err error) {
	// Not through a link that somebody has put there, nor waiting for the far
	// end of a pipe.
	f, err := os.OpenFile(k.spec.File, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return c, errors.New("is a symbolic link: give the path of the file itself")
	}
	if err != nil {
		return c, inner(err)
	}
	defer f.Close()
	if err := checkSecret(f); err != nil {
		return c, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return c, inner(err)
	}
	return k.parse(string(text), now)
}

// parse reads the line of a file.
func (k *TicketKeys) parse(text string, now time.Time) (c chain, err error) {
	var seconds int64
	var secret string
	if _, err := fmt.Sscanf(text, ticketFileForm, &seconds, &c.period, &secret); err != nil {
		return c, errors.New("is no file of session ticket keys: remove it and a new one is made")
	}
	b, err := hex.DecodeString(secret)
	if err != nil || len(b) != len(c.secret) || text != fmt.Sprintf(ticketFileForm, seconds, c.period, secret) {
		return c, errors.New("is damaged: remove it and a new one is made")
	}
	copy(c.secret[:], b)
	switch every := time.Duration(seconds) * time.Second; {
	case every != k.spec.Every:
		return c, fmt.Errorf("is for keys that change every %v, those here change every %v: set the same for all processes that share it, or remove it", every, k.spec.Every)
	case c.period > k.period(now)+1:
		return c, errors.New("comes from a machine whose clock is ahead of this one's: set the clocks, and remove the file")
	}
	return c, nil
}

// checkSecret checks that nobody but the owner can read or write f, and that the
// owner is this process's user, or root.
func checkSecret(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return inner(err)
	}
	if !info.Mode().IsRegular() {
		return errors.New("is not a file")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("can be read or written by others (mode %04o), who could then read what clients send: chmod 600", mode)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("belongs to user %d, not to user %d as this process does", stat.Uid, os.Geteuid())
	}
	return nil
}

// writeTicketFile writes a file aside, for its owner alone, and puts it in place
// with one call: os.Link when none may be there, os.Rename when one is. Nobody
// ever sees half of it.
func writeTicketFile(path, text string, place func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return inner(err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = place(f.Name(), path)
	}
	return inner(err)
}

// inner takes the path away from an error: messages name the file themselves.
func inner(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
