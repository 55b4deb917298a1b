package wordlist

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// List is a word list in force. Make it with [New], and close it. It is safe for
// concurrent use and comparable: a pointer is one list.
//
// What is a hit:
//   - Words of letters or digits of scripts that separate words (Latin, Cyrillic,
//     Greek, Armenian, Georgian) hit whole words; `*ass`, `ass*` and `*ass*` hit at
//     the end, the beginning and inside of words, too. Words of other scripts,
//     Chinese among them, hit anywhere.
//   - Between two letters of which one is of the other scripts, separators are passed
//     over. Between two of words, punctuation and symbols are; white space and
//     apostrophes are where each letter of the word stands alone: "b a d" is "bad",
//     "as set" is not "asset". Between two digits all separators are like white
//     space. Where the word has a separator itself, the text may have any or none.
//   - A symbol, such as an emoji, that stands in a word of the list is a letter for
//     the whole list and separates no more.
type List struct {
	cfg     Config
	current atomic.Pointer[set]
	stop    context.CancelFunc
	done    sync.WaitGroup

	// mu guards the following.
	mu     sync.Mutex
	status Status
}

// Status is how a list is doing.
type Status struct {
	// File is empty for a list without one.
	File string
	// Words is how many are in force, those written twice once.
	Words int
	// LoadedAt is when the words in force were read.
	LoadedAt time.Time
	// Err says why the file as it is now is not in force; nil when it is.
	Err error
}

// New reads the words and follows the file until [List.Close]. Its errors name the
// lines and what to do. Reading a hundred thousand words takes about two seconds.
func New(cfg Config) (*List, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := &List{cfg: cfg.WithDefaults()}
	f := &follower{list: l}
	if err := f.load(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	if cfg.File != "" {
		l.done.Go(func() { f.run(ctx) })
	}
	return l, nil
}

// Close ends the following of the file and waits for it. The list goes on to answer
// with the words that it has.
func (l *List) Close() error {
	l.stop()
	l.done.Wait()
	return nil
}

// Status returns how the list is doing.
func (l *List) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// use puts words in force.
func (l *List) use(s *set) {
	l.current.Store(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = Status{File: l.cfg.File, Words: len(s.entries), LoadedAt: time.Now()}
}

// refuse notes why the file is not in force.
func (l *List) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Err = err
}
