package store

import (
	"context"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// maxOperations and maxBytes bound a transaction; etcd takes 128 and
	// 1.5 MiB by default.
	maxOperations = 100
	maxBytes      = 1 << 20
)

// step is what becomes of one key.
type step struct {
	ifSo *clientv3.Cmp // nil when it does not matter what there is
	then []clientv3.Op
	size int
}

// commit makes all changes in one transaction. A save of very many items, as of
// a whole configuration, takes several: each of them is made or not.
func (e *etcd) commit(ctx context.Context, changes []change, records []record) error {
	client, err := e.connect(ctx)
	if err != nil {
		return err
	}
	for rest := e.steps(changes, records); len(rest) > 0; {
		n := e.fitting(rest)
		var conditions []clientv3.Cmp
		var operations []clientv3.Op
		for _, s := range rest[:n] {
			if s.ifSo != nil {
				conditions = append(conditions, *s.ifSo)
			}
			operations = append(operations, s.then...)
		}
		rest = rest[n:]
		ctx, cancel := context.WithTimeout(ctx, e.timeout)
		answer, err := client.Txn(ctx).If(conditions...).Then(operations...).Commit()
		if err != nil {
			err = e.explain(ctx, "save the configuration in", err)
		} else if !answer.Succeeded {
			err = errMoved
		}
		cancel()
		if err != nil {
			return err
		}
	}
	e.forget(ctx, records)
	return nil
}

// fitting returns how many of the steps fit into a transaction, at least one.
func (e *etcd) fitting(steps []step) int {
	operations, size := 0, 0
	for n, s := range steps {
		operations, size = operations+len(s.then), size+s.size
		if n > 0 && (operations > maxOperations || size > maxBytes) {
			return n
		}
	}
	return len(steps)
}

func (e *etcd) steps(changes []change, records []record) []step {
	var steps []step
	for _, c := range changes {
		key := e.key(c.was.key)
		// The revision of a key that does not exist is 0.
		same := clientv3.Compare(clientv3.ModRevision(key), "=", c.was.revision)
		s := step{ifSo: &same, size: len(key) + len(c.is)}
		switch {
		case c.is != "":
			s.then = append(s.then, clientv3.OpPut(key, c.is))
		case c.keep:
			s.then = append(s.then, clientv3.OpPut(key+".bak", c.was.data))
			s.size += len(c.was.data)
			fallthrough
		default:
			s.then = append(s.then, clientv3.OpDelete(key))
		}
		steps = append(steps, s)
	}
	for _, r := range records {
		key := e.recordKey(r)
		steps = append(steps, step{then: []clientv3.Op{clientv3.OpPut(key, r.data)}, size: len(key) + len(r.data)})
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
	for _, old := range surplus(all) {
		ctx, cancel := context.WithTimeout(ctx, e.timeout)
		_, err := e.client.Delete(ctx, e.recordKey(old))
		cancel()
		if err != nil {
			return
		}
	}
}
