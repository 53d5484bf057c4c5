package loop

// queue is a ring, first in, first out.
type queue[T any] struct {
	ring       []T  // length a power of two
	head, tail uint // tail-head elements
}

func (q *queue[T]) len() int { return int(q.tail - q.head) }

func (q *queue[T]) push(v T) {
	if q.len() == len(q.ring) {
		q.grow()
	}
	q.ring[q.tail&uint(len(q.ring)-1)] = v
	q.tail++
}

func (q *queue[T]) pop() T {
	place := &q.ring[q.head&uint(len(q.ring)-1)]
	q.head++
	v := *place
	var none T
	*place = none
	return v
}

func (q *queue[T]) grow() {
	ring := make([]T, max(64, 2*len(q.ring)))
	n := 0
	for q.len() > 0 {
		ring[n] = q.pop()
		n++
	}
	q.ring, q.head, q.tail = ring, 0, uint(n)
}
