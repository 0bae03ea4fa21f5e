//go:build !linux

package inference

import "time"

// processorTime stands in for how long the calling thread has run.
func processorTime() time.Duration { return time.Since(begin) }

var begin = time.Now()
