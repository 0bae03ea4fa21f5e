package submit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hepex/harness/claim"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/slurm"
)

// Do is what a task runs: it prepares and measures its points and stores the records. Of the options it sets what the
// submission says. If limits.max_failures of the submission's points have failed, it cancels the tasks that have not begun.
func Do(ctx context.Context, folder string, i int, o run.Options) (run.Summary, error) {
	var t task
	if err := readJSON(taskPath(folder, i), &t); err != nil {
		return run.Summary{}, err
	}
	// Before, as this task may be killed like those before it, and after, as it may be the last to fail.
	stopIfHopeless(folder, t.Limits.MaxFailures, o.Log)
	first := t.Points[0].Job
	o.Dir, o.DataDirs, o.CacheDir, o.Memory = experimentDir(folder), first.DataDirs, first.CacheDir, max(0, slurm.Memory()-memoryMargin)
	var attempts []run.Attempt
	for _, p := range t.Points {
		j := p.Job
		attempts = append(attempts, run.Attempt{Planned: run.Planned{Point: config.Point{Label: j.Label, Spec: j.Spec, Params: j.Params}, ID: j.Point}, Number: p.Attempt})
	}
	summary, err := run.Make(ctx, first.Experiment, t.Config, t.Limits, attempts, o)
	if summary.Failed > 0 {
		stopIfHopeless(folder, t.Limits.MaxFailures, o.Log)
	}
	if err != nil {
		return summary, err
	}
	return summary, writeJSON(endedPath(folder, i), summary)
}

// stopIfHopeless cancels what waits of this process's array if so many of its points have failed. Where it cannot, it says so:
// no point is to be lost for that.
func stopIfHopeless(folder string, most int, log io.Writer) {
	array := slurm.HereArray()
	if array == "" {
		return
	}
	failed, err := failures(folder, slurm.States(array))
	if err == nil && failed >= most {
		err = slurm.CancelWaiting(array)
	}
	if err != nil && log != nil {
		fmt.Fprintf(log, "warning: limits.max_failures is not watched: %v\n", err)
	}
}

// failures counts the points of a submission that have failed, and the tasks that Slurm has ended before all of their points had a record.
func failures(folder string, states map[int]string) (int, error) {
	all, err := tasks(folder)
	if err != nil {
		return 0, err
	}
	records, _, err := record.NewStore(experimentDir(folder)).Load()
	if err != nil {
		return 0, err
	}
	last := map[string]*record.Record{}
	for _, r := range records {
		last[r.Point] = r
	}
	n := 0
	for i, t := range all {
		ended := 0
		for _, p := range t.Points {
			if r := last[p.Job.Point]; r == nil || r.Attempt < p.Attempt {
				ended = 1
			} else if r.Status != record.OK {
				n++
			}
		}
		if slices.Contains(endedBySlurm, states[i]) {
			n += ended
		}
	}
	return n, nil
}

// endedBySlurm are the states of tasks that could not write a record of their failure.
var endedBySlurm = []string{"OUT_OF_MEMORY", "TIMEOUT", "NODE_FAIL", "FAILED"}

// Collected is what became of a submission.
type Collected struct {
	Dir      string // of the experiment
	Points   int
	Recorded int // points that have a record from their task
	Failed   int // points whose task ended without one, which have one now
	Missing  int // points whose task never began, or that others have in hand
}

// Collect writes a record for each point whose task was ended before it could write one, with the reason as far as Slurm and
// the task's log tell it. Whether a task succeeded is for its record to say; exit codes do not count.
func Collect(folder string) (Collected, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return Collected{}, fmt.Errorf("submit: %w", err)
	}
	var s state
	if err := readJSON(filepath.Join(folder, stateName), &s); err != nil {
		return Collected{}, err
	}
	all, err := tasks(folder)
	if err != nil {
		return Collected{}, err
	}
	out := Collected{Dir: experimentDir(folder)}
	c := &collector{folder, record.NewStore(out.Dir), slurm.States(s.Array), nil}
	if c.claims, err = run.Claims(out.Dir).List(); err != nil {
		return Collected{}, err
	}
	for i, t := range all {
		out.Points += len(t.Points)
		for _, p := range t.Points {
			became, err := c.collect(i, t.Config, p)
			if err != nil {
				return Collected{}, err
			}
			switch became {
			case recorded:
				out.Recorded++
			case ended:
				out.Failed++
			case untried:
				out.Missing++
			}
		}
	}
	if err := run.CleanClaims(out.Dir); err != nil {
		return Collected{}, err
	}
	s.Collected = true
	if err := writeState(folder, s); err != nil {
		return Collected{}, err
	}
	if err := os.Remove(filepath.Join(folder, programName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Collected{}, fmt.Errorf("submit: %w", err)
	}
	return out, nil
}

// fate is what became of a point.
type fate int

const (
	recorded fate = iota
	ended         // before it could write its record
	untried
)

type collector struct {
	folder string
	store  *record.Store
	states map[int]string // of the tasks that Slurm still knows
	claims []claim.Claim
}

func (c *collector) collect(task int, configSHA256 string, p point) (fate, error) {
	next, err := c.store.NextAttempt(p.Job.Point)
	if err != nil || next > p.Attempt {
		return recorded, err
	}
	log, at, err := logTail(logPath(c.folder, task))
	if errors.Is(err, fs.ErrNotExist) {
		return untried, nil // cancelled while it waited: the point has not failed
	}
	if _, err := os.Stat(endedPath(c.folder, task)); err == nil {
		return untried, nil // it stopped by itself, as too many others failed, or left the point to somebody else
	}
	if err != nil {
		return 0, err
	}
	began := at
	for _, cl := range c.claims {
		if cl.Point != p.Job.Point || cl.Attempt != p.Attempt {
			continue
		}
		if cl.Live {
			return untried, nil
		}
		began = cl.Owner.Since
	}
	rec := run.Failure(p.Job, began)
	rec.EndedAt, rec.ConfigSHA256, rec.Environment = at.UTC(), configSHA256, record.Environment{} // this is not where it ran
	rec.Status, rec.Error = reason(c.states[task], log)
	rec.Error.Log = log
	return ended, c.store.Write(&rec)
}

// tailSize is how much of a log goes into a record.
const tailSize = 4096

// logTail gives the end of a log, and when it was last written to.
func logTail(path string) (text string, at time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("submit: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("submit: %w", err)
	}
	end, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-tailSize), tailSize))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("submit: %w", err)
	}
	return string(end), info.ModTime(), nil
}
