package run

import (
	"bytes"
	"sync"
)

// How much of what a process prints is kept.
const (
	lastBytes  = 4096
	deathBytes = 1024 // from where it says why it dies, which can be long before the end of its log
)

// deaths are how Go's runtime begins to say why a process dies.
var deaths = [][]byte{[]byte("panic: "), []byte("fatal error: ")}

// tail keeps the last bytes written to it, and the first from the line on that announces a death.
type tail struct {
	max    int
	mu     sync.Mutex
	buf    []byte
	cut    int    // bytes that came before buf
	inLine bool   // buf begins within a line
	death  []byte // at most deathBytes
	began  int    // where they begin, after all that came before
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	t.watch()
	if n := len(t.buf) - t.max; n > 0 {
		t.inLine = t.buf[n-1] != '\n'
		t.buf = t.buf[n:]
		t.cut += n
	}
	return len(b), nil
}

// watch looks for an announcement, and notes what follows it.
func (t *tail) watch() {
	if t.death == nil {
		at := -1
		for _, d := range deaths {
			if i := t.startOfLine(d); i >= 0 && (at < 0 || i < at) {
				at = i
			}
		}
		if at < 0 {
			return
		}
		t.began = t.cut + at
	}
	from := t.began + len(t.death) - t.cut
	if from >= 0 && from < len(t.buf) {
		t.death = append(t.death, t.buf[from:min(len(t.buf), from+deathBytes-len(t.death))]...)
	}
}

// startOfLine is where in buf a line with this start begins, -1 if there is none.
func (t *tail) startOfLine(start []byte) int {
	if !t.inLine && bytes.HasPrefix(t.buf, start) {
		return 0
	}
	if i := bytes.Index(t.buf, append([]byte("\n"), start...)); i >= 0 {
		return i + 1
	}
	return -1
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.death == nil || t.began >= t.cut {
		return string(t.buf)
	}
	if t.began+len(t.death) >= t.cut {
		return string(t.death[:t.cut-t.began]) + string(t.buf)
	}
	return string(t.death) + "\n[…]\n" + string(t.buf)
}
