package trial

import (
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/stats"
)

// enough tells whether the interval of the median is narrow enough, or cannot become so: when there are as many repeats as
// may be, or another could pass the limit of time, and all samples be lost. Then it warns. One that is asked to stay goes on while it has time.
func (t *timing) enough(repeats config.Repeats, turns *clock, longest time.Duration, stay bool) bool {
	if len(t.evaluations) < repeats.Min || stay && turns.allows(longest) {
		return false
	}
	s, err := stats.Median(t.evaluations)
	switch {
	case err == nil && s.HalfWidth() <= repeats.CI:
	case len(t.evaluations) >= repeats.Max:
		t.warnings.add(record.RepeatsWarning + "measure.repeats.max reached, but not measure.repeats.ci")
	case !turns.allows(longest):
		t.warnings.add(record.RepeatsWarning + "another could have passed limits.timeout, measure.repeats.ci is not reached")
	default:
		return false
	}
	return true
}

// clock is turns that count the time which a point works, without that for which it waits: the time that is limited.
type clock struct {
	Turns
	limit  time.Duration // 0 is none
	began  time.Time
	waited time.Duration
}

func newClock(turns Turns, limit time.Duration) *clock {
	if turns == nil {
		turns = alone{}
	}
	return &clock{Turns: turns, limit: limit, began: time.Now()}
}

func (c *clock) Admit(peak int64) error {
	defer c.waitedSince(time.Now())
	return c.Turns.Admit(peak)
}

func (c *clock) Next() (stay bool, err error) {
	defer c.waitedSince(time.Now())
	return c.Turns.Next()
}

func (c *clock) waitedSince(at time.Time) { c.waited += time.Since(at) }

// The margins of a limit.
const (
	slower  = 1.5  // a repeat may take, of the longest so far
	reserve = 0.05 // of the limit, to start the process, decrypt and compare
)

// allows tells whether another repeat likely ends within the limit when the longest so far took so long.
func (c *clock) allows(longest time.Duration) bool {
	worked := time.Since(c.began) - c.waited
	return c.limit == 0 || worked+time.Duration(slower*float64(longest)) <= time.Duration((1-reserve)*float64(c.limit))
}
