package inference

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls a work function for 0 … n−1 on the given number of goroutines (0: all processors).
// Each goroutine makes its own work function, and with it its own evaluator or encoder, which are not
// safe for concurrent use. The first error ends the work; a panic becomes one, as nobody could recover it.
func parallel(threads, n int, newWork func() func(i int) error) error {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var (
		next  atomic.Int64
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	run := func() {
		fail := func(err error) {
			once.Do(func() { first = err })
			next.Store(int64(n))
		}
		defer func() {
			if p := recover(); p != nil {
				fail(fmt.Errorf("panic: %v", p))
			}
		}()
		work := newWork()
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			if err := work(i); err != nil {
				fail(err)
			}
		}
	}
	for range min(threads, n) - 1 {
		wg.Go(run)
	}
	if n > 0 { // this goroutine is one of them: a single one stays on its core, with what that has in its caches
		run()
	}
	wg.Wait()
	return first
}
