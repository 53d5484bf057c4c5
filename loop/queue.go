package loop

// queue is a ring of coroutines, first in, first out.
type queue struct {
	ring       []*Coroutine // length a power of two
	head, tail uint         // tail-head elements
}

func (q *queue) len() int { return int(q.tail - q.head) }

func (q *queue) push(co *Coroutine) {
	if q.len() == len(q.ring) {
		q.grow()
	}
	q.ring[q.tail&uint(len(q.ring)-1)] = co
	q.tail++
}

func (q *queue) pop() *Coroutine {
	i := q.head & uint(len(q.ring)-1)
	co := q.ring[i]
	q.ring[i] = nil
	q.head++
	return co
}

func (q *queue) grow() {
	ring := make([]*Coroutine, max(64, 2*len(q.ring)))
	n := 0
	for q.len() > 0 {
		ring[n] = q.pop()
		n++
	}
	q.ring, q.head, q.tail = ring, 0, uint(n)
}
