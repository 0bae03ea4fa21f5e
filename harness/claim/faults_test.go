package claim

import (
	"path/filepath"
	"testing"

	"hepex/harness/atomicfile/faults"
)

// A claim that could not be taken is not left behind, and the next try takes it.
func TestFaults(t *testing.T) {
	for _, way := range []faults.Way{faults.Before, faults.After, faults.Half} {
		for call := 0; ; call++ {
			f := Open(filepath.Join(t.TempDir(), "claims"))
			log, restore := faults.Inject(t, faults.Fault{Call: call, Way: way})
			c, taken, err := f.Take("a", 1)
			restore()
			if log.Failed() == "" {
				break
			}
			if taken != (err == nil) {
				t.Errorf("%s, %s: taken %t, %v", log.Failed(), way, taken, err)
			}
			if !taken {
				if c, taken, err = f.Take("a", 1); err != nil || !taken {
					t.Errorf("%s, %s: next try: %t, %v", log.Failed(), way, taken, err)
				}
			}
			if err := c.Release(); err != nil {
				t.Error(err)
			}
			if all, err := f.List(); err != nil || len(all) > 0 {
				t.Errorf("%s, %s: claims left: %v, %v", log.Failed(), way, all, err)
			}
		}
	}
}
