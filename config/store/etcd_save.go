package store

import (
	"context"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// maxOperations bounds what a transaction holds: operations or conditions,
	// whichever is more, and that of the transactions in it; etcd takes 128 by
	// default.
	maxOperations = 128
	// maxInner is how many operations a transaction has before they are divided
	// among others in it. With three levels of them that is enough for 64,000,
	// and leaves room for conditions.
	maxInner = 40
	levels   = 3
	// maxConditions is how many keys a transaction compares for themselves.
	maxConditions = maxOperations - (levels-1)*maxInner
	// maxBytes bounds the size of a transaction; etcd takes 1.5 MiB by default,
	// with what stands around keys and values.
	maxBytes = 5 << 18
)

// step is what becomes of one key.
type step struct {
	clientv3.Op
	size int
}

// commit makes all changes in one transaction. Of what is too large for one,
// several are made, in the order of the changes and the records last.
func (e *etcd) commit(ctx context.Context, s *save) error {
	conditions, err := e.conditions(ctx, s)
	if err != nil {
		return err
	}
	if err := e.transact(ctx, conditions, e.steps(s)); err != nil {
		return err
	}
	e.forget(ctx, s.records)
	return nil
}

// conditions returns what must hold for a save, or errMoved when it does not
// hold now. Of many keys, etcd makes sure that none has been written since;
// those that others delete in the moment between are not noticed.
func (e *etcd) conditions(ctx context.Context, s *save) ([]clientv3.Cmp, error) {
	begin := s.seen
	if begin == nil {
		for _, c := range s.changes {
			begin = append(begin, c.was)
		}
	}
	var conditions []clientv3.Cmp
	if s.seen != nil || len(begin) > maxConditions {
		answer, err := e.get(ctx, e.key(""), clientv3.WithKeysOnly())
		if err != nil {
			return nil, err
		}
		if !holds(e.texts(answer), begin, s.seen != nil) {
			return nil, errMoved
		}
		conditions = append(conditions, e.unwritten(answer.Header.Revision))
	}
	if len(conditions)+len(begin) <= maxConditions {
		for _, t := range begin {
			// The revision of a key that does not exist is 0.
			conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(e.key(t.key)), "=", t.revision))
		}
	}
	return conditions, nil
}

// holds reports whether texts are still of the revisions that they had, and,
// where that matters, whether they are all.
func holds(now, then []text, all bool) bool {
	revisions := make(map[string]int64, len(now))
	for _, t := range now {
		revisions[t.key] = t.revision
	}
	for _, t := range then {
		if revisions[t.key] != t.revision {
			return false
		}
	}
	return !all || len(now) == len(then)
}

// transact makes steps in as few transactions as they fit into. The conditions
// are those of the first; those that follow depend on nobody having written
// anything since.
func (e *etcd) transact(ctx context.Context, conditions []clientv3.Cmp, steps []step) error {
	client, err := e.connect()
	if err != nil {
		return e.explain(ctx, "save the configuration in", err)
	}
	for len(steps) > 0 {
		var operations []clientv3.Op
		for size := 0; len(steps) > 0 && len(operations) < maxInner*maxInner*maxInner; steps = steps[1:] {
			if size += steps[0].size; size > maxBytes && len(operations) > 0 {
				break
			}
			operations = append(operations, steps[0].Op)
		}
		ctx, cancel := context.WithTimeout(ctx, e.timeout)
		answer, err := client.Txn(ctx).If(conditions...).Then(nested(operations)...).Commit()
		if err != nil {
			err = e.explain(ctx, "save the configuration in", err)
		} else if !answer.Succeeded {
			err = errMoved
		}
		cancel()
		if err != nil {
			return err
		}
		if conditions != nil {
			conditions = []clientv3.Cmp{e.unwritten(answer.Header.Revision)}
		}
	}
	return nil
}

// unwritten is the condition that no key has been written since a revision.
func (e *etcd) unwritten(since int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(e.key("")), "<", since+1).WithPrefix()
}

// nested puts operations that are too many for a transaction into others within
// it, which are made with it or not at all.
func nested(operations []clientv3.Op) []clientv3.Op {
	for len(operations) > maxInner {
		var outer []clientv3.Op
		for inner := range slices.Chunk(operations, maxInner) {
			outer = append(outer, clientv3.OpTxn(nil, inner, nil))
		}
		operations = outer
	}
	return operations
}

func (e *etcd) steps(s *save) (steps []step) {
	put := func(key, data string) {
		steps = append(steps, step{clientv3.OpPut(key, data), len(key) + len(data)})
	}
	for _, c := range s.changes {
		key := e.key(c.was.key)
		if c.is != "" {
			put(key, c.is)
			continue
		}
		if c.keep {
			put(key+".bak", c.was.data)
		}
		steps = append(steps, step{clientv3.OpDelete(key), len(key)})
	}
	for _, r := range s.records {
		put(e.recordKey(r), r.data)
	}
	return steps
}

// historyBegin is what the keys of the records of an item begin with; those of
// all records for the zero id.
func (e *etcd) historyBegin(item id) string {
	begin := e.prefix + "-history/"
	if item == (id{}) {
		return begin
	}
	return begin + byItem.key("", item) + "/"
}

func (e *etcd) recordKey(r record) string { return e.historyBegin(r.id) + r.stamp }

func (e *etcd) records(ctx context.Context, item id) ([]record, error) {
	return e.listed(ctx, item)
}

// listed returns the records of an item, of every item for the zero id.
func (e *etcd) listed(ctx context.Context, item id, options ...clientv3.OpOption) ([]record, error) {
	answer, err := e.get(ctx, e.historyBegin(item), options...)
	if err != nil {
		return nil, err
	}
	var records []record
	for _, kv := range answer.Kvs {
		key := strings.TrimPrefix(string(kv.Key), e.historyBegin(id{}))
		text, stamp, ok := strings.Cut(key, extension+"/")
		if !ok {
			continue
		}
		r := record{stamp: stamp, data: string(kv.Value)}
		r.category, r.name, _ = strings.Cut(text, "/")
		records = append(records, r)
	}
	return newestFirst(records), nil
}

// forget removes the records that are too many of the items that records are
// of. That it fails does no harm: the next save tries again.
func (e *etcd) forget(ctx context.Context, records []record) {
	seen := map[id]bool{}
	var all []record
	for _, r := range records {
		if seen[r.id] {
			continue
		}
		seen[r.id] = true
		item := r.id
		if len(records) >= many {
			item = id{}
		}
		of, err := e.listed(ctx, item, clientv3.WithKeysOnly())
		if err != nil {
			return
		}
		if all = append(all, of...); item == (id{}) {
			break
		}
	}
	var steps []step
	for _, old := range surplus(all) {
		key := e.recordKey(old)
		steps = append(steps, step{clientv3.OpDelete(key), len(key)})
	}
	_ = e.transact(ctx, nil, steps)
}
