package run

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/atomicfile/faults"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// Whichever call by which a run writes fails: the run ends with that error, and the next one completes it, with one record
// for each point.
func TestRunSurvivesFaults(t *testing.T) {
	t.Setenv(asWorker, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("f.yaml", []byte(strings.Replace(frozenConfig, "data: {name: digits}", "data: {name: digits, train: 100, test: 10}\ntrain: {batch: 32, epochs: 1}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Plan(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan = plan[:2]
	cache := t.TempDir()
	for i := range plan {
		if err := trial.Prepare(trial.Job{Spec: plan[i].Spec, CacheDir: cache}, nil); err != nil {
			t.Fatal(err)
		}
		plan[i].Label = `{"name": "x"}`
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, way := range []faults.Way{faults.Before, faults.After} {
		for call := 0; ; call += step {
			o := Options{Dir: filepath.Join(t.TempDir(), "results"), CacheDir: cache, Executable: self}
			log, restore := faults.Inject(t, faults.Fault{Call: call, Way: way})
			_, err := Run(context.Background(), c, plan, o)
			restore()
			if log.Failed() == "" {
				if err != nil || call < 40 {
					t.Errorf("%d calls, %v", call, err)
				}
				break
			}
			if err == nil || !strings.Contains(err.Error(), faults.Err.Error()) {
				t.Errorf("%s, %s: %v does not say why", log.Failed(), way, err)
			}
			s, err := Run(context.Background(), c, plan, o)
			if err != nil || s.Done+s.Before != len(plan) || s.Failed > 0 {
				t.Errorf("%s, %s: then %+v, %v", log.Failed(), way, s, err)
			}
			onceEach(t, o.Dir, len(plan), log.Failed()+", "+string(way))
		}
	}
}

// onceEach verifies that each point has one attempt, which is ok, and that nothing else is left.
func onceEach(t *testing.T, dir string, points int, when string) {
	t.Helper()
	set, damaged, err := record.NewStore(dir).Load()
	if err != nil || len(damaged) > 0 || len(set) != points {
		t.Errorf("%s: %d records, damaged %v, %v", when, len(set), damaged, err)
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		// What could not be removed lies there until this process ends.
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			files = append(files, path)
		}
		return err
	})
	if want := 1 + points; err != nil || len(files) != want {
		t.Errorf("%s: %v, %v: want the config and %d records", when, files, err, points)
	}
}
