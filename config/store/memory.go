package store

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// memory keeps a configuration for as long as the process runs.
type memory struct {
	mu       sync.Mutex
	name     string
	data     string
	kept     []record
	watchers []chan struct{}
}

// Memory returns a store that holds a text, and forgets everything when the
// process ends. name is the text's name in messages. It keeps a history.
func Memory(name, text string) *Store {
	return newStore(&memory{name: name, data: text}, &place{title: name, layout: single, only: name, history: true})
}

func (m *memory) title(string) string { return m.name }
func (m *memory) close() error        { return nil }

func (m *memory) read(context.Context) ([]text, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []text{{key: m.name, data: m.data}}, nil
}

func (m *memory) commit(_ context.Context, s *save) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range s.changes { // of the one text there is
		if c.was.data != m.data {
			return errMoved
		}
		m.data = c.is
	}
	m.kept = newestFirst(append(m.kept, s.records...))
	tooMany := surplus(m.kept)
	m.kept = slices.DeleteFunc(m.kept, func(r record) bool { return slices.Contains(tooMany, r) })
	for _, w := range m.watchers {
		raise(w)
	}
	return nil
}

func (m *memory) records(_ context.Context, item id) ([]record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.kept), func(r record) bool { return item != (id{}) && r.id != item }), nil
}

func (m *memory) watch(ctx context.Context, changed func(), _ reporter) {
	mine := make(chan struct{}, 1)
	m.mu.Lock()
	m.watchers = append(m.watchers, mine)
	m.mu.Unlock()
	changed()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-mine:
			changed()
		}
	}
	m.mu.Lock()
	m.watchers = slices.DeleteFunc(m.watchers, func(c chan struct{}) bool { return c == mine })
	m.mu.Unlock()
}

// isMemory reports whether a URL names a store in memory.
func isMemory(url string) bool { return url == "memory:" || strings.HasPrefix(url, "memory://") }
