package receiver

import "container/list"

// window is a map that holds the last entries that were put into it.
type window[V any] struct {
	bound int
	byKey map[string]*list.Element
	order *list.List // of pair[V], the oldest in front
}

type pair[V any] struct {
	key   string
	value V
}

func newWindow[V any](bound int) window[V] {
	return window[V]{bound: bound, byKey: map[string]*list.Element{}, order: list.New()}
}

func (w *window[V]) get(key string) (v V, ok bool) {
	if e := w.byKey[key]; e != nil {
		return e.Value.(pair[V]).value, true
	}
	return v, false
}

// put makes key the newest entry.
func (w *window[V]) put(key string, v V) {
	w.drop(key)
	w.byKey[key] = w.order.PushBack(pair[V]{key, v})
	for len(w.byKey) > w.bound {
		w.drop(w.order.Front().Value.(pair[V]).key)
	}
}

func (w *window[V]) drop(key string) {
	if e := w.byKey[key]; e != nil {
		w.order.Remove(e)
		delete(w.byKey, key)
	}
}
