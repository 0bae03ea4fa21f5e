package run

import (
	"fmt"

	"hepex/harness/record"
)

// Bundle gathers the records of an experiment's folder in one file, if nobody runs it, and returns how many there are.
func Bundle(dir string) (int, error) {
	unlock, err := lock(dir)
	if err != nil {
		return 0, err
	}
	defer unlock()
	claims, err := Claims(dir).List()
	if err != nil {
		return 0, err
	}
	for _, c := range claims {
		if c.Live {
			return 0, fmt.Errorf("run: %s has point %s of %s in hand: wait for it to end", c.Owner, c.Point, dir)
		}
	}
	return record.NewStore(dir).Bundle()
}
