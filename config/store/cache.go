package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// copied is the file that the option cache names.
type copied struct {
	Of    string    // the title of the store
	Taken time.Time // when
	Texts []copiedText
}

type copiedText struct{ Key, Text string }

// copyOf returns the file for the copy of a store where none is named: in the
// directory that systemd has made for the state of the service, or else in that
// of the user for what programs keep; "" where there is neither.
func copyOf(title string) string {
	directory, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if directory == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		directory = filepath.Join(caches, "pingap")
	}
	name := sha256.Sum256([]byte(title))
	return filepath.Join(directory, fmt.Sprintf("etcd-%x.json", name[:6]))
}

// Keep writes a configuration that has been found good to the file for the copy,
// when the store is etcd. Read returns it, with a Notice, as long as etcd has not
// answered since the store was opened.
func (s *Store) Keep(ctx context.Context, good *Snapshot) error {
	if s.cache == "" || good.Notice != "" {
		return nil
	}
	c := copied{Of: s.title, Taken: time.Now().Truncate(time.Second)}
	for _, t := range good.texts {
		c.Texts = append(c.Texts, copiedText{t.key, t.data})
	}
	data, err := json.MarshalIndent(&c, "", " ")
	if err != nil {
		return err
	}
	if err := keepPrivate(ctx, s.cache, string(data)+"\n"); err != nil {
		return fmt.Errorf("%w; ?cache=FILE in the URL names another place, ?cache= none", err)
	}
	return nil
}

// keepPrivate writes a file that only its owner may read: configurations hold
// secrets.
func keepPrivate(ctx context.Context, path, data string) error {
	directory := filepath.Dir(resolve(path))
	if err := makeDirectory(directory); err != nil {
		return explainSave(path, err)
	}
	unlock, err := lockToSave(ctx, directory)
	if err != nil {
		return err
	}
	defer unlock()
	if !exists(path) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return explainSave(path, err)
		}
		f.Close()
	}
	return explainSave(path, writeFile(path, data))
}

// readCopy returns what Keep has kept, because of why.
func (s *Store) readCopy(why error) (*Snapshot, error) {
	data, err := read(s.cache, 2*maxSize)
	if err != nil {
		return nil, fmt.Errorf("%w; and there is no copy of it: %w", why, err)
	}
	var c copied
	if err := json.Unmarshal(data, &c); err != nil || len(c.Texts) == 0 {
		return nil, fmt.Errorf("%w; and %s is no copy of it: %w", why, s.cache, errors.Join(err, errors.New("it holds no configuration")))
	}
	if c.Of != s.title {
		return nil, fmt.Errorf("%w; and the copy in %s is one of %s", why, s.cache, c.Of)
	}
	snapshot := s.snapshot(nil, fmt.Sprintf("%v; this is the copy of %s in %s", why, c.Taken.Format(time.RFC3339), s.cache))
	for _, t := range c.Texts {
		snapshot.texts = append(snapshot.texts, text{key: t.Key, data: t.Text})
	}
	return snapshot, nil
}
