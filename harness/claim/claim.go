// Package claim keeps two runners, on any hosts that share a folder, from doing the same attempt at the same point.
//
// A claim is a file that names its owner, <point>.<attempt>.<n>. Creating it is exclusive on every shared file system; no
// locks are needed. The claim of an owner that is gone is never replaced: the next runner creates the one numbered n + 1, so
// that of several which find the owner gone only one takes over. A claim lasts until its attempt has a record; whoever
// creates one has to look for the record afterwards.
package claim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hepex/harness/atomicfile"
	"hepex/harness/slurm"
)

// Owner is the process that a claim is of.
type Owner struct {
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Began    string    `json:"began"` // clock ticks from boot to the start of the process, which tell it from a later one with its number
	Job      string    `json:"slurm_job,omitempty"`
	Restarts int       `json:"slurm_restarts,omitempty"`
	Since    time.Time `json:"since"`
}

func (o Owner) String() string {
	if o.Host == "" {
		return "an unknown process"
	}
	text := fmt.Sprintf("process %d on %s", o.PID, o.Host)
	if o.Job != "" {
		text += ", Slurm job " + o.Job
	}
	return text
}

// same tells whether both are one process at one moment.
func (o Owner) same(other Owner) bool {
	return o.Host == other.Host && o.PID == other.PID && o.Since.Equal(other.Since)
}

// Claim is a file in the folder of claims.
type Claim struct {
	Point   string
	Attempt int
	Owner   Owner // zero if the file cannot be read
	Live    bool  // the owner runs, as far as can be known: of another host it is known through Slurm alone

	path string
}

// Folder holds the claims of an experiment.
type Folder struct {
	dir string
	me  Owner
}

// Open names the folder for this process; it is created with the first claim.
func Open(dir string) *Folder { return &Folder{dir, self()} }

var self = sync.OnceValue(func() Owner {
	host, _ := os.Hostname() // a host without a name has no others to share with
	job, restarts := slurm.Here()
	return Owner{Host: host, PID: os.Getpid(), Began: began(os.Getpid()), Job: job, Restarts: restarts}
})

// Take claims an attempt. If another process has it in hand, that claim is returned with taken false.
func (f *Folder) Take(point string, attempt int) (c Claim, taken bool, err error) {
	me := f.me
	me.Since = time.Now().UTC()
	text, err := json.Marshal(me)
	if err != nil {
		return Claim{}, false, fmt.Errorf("claim: %w", err)
	}
	for n := 0; ; n++ {
		path := filepath.Join(f.dir, fmt.Sprintf("%s.%d.%d", point, attempt, n))
		err := atomicfile.Create(path, text)
		if err == nil {
			return Claim{point, attempt, me, true, path}, true, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			// It may be there all the same, and would keep others off for as long as this process lives.
			if o, e := read(path); e == nil && o.same(me) {
				err = errors.Join(err, atomicfile.Remove(path))
			}
			return Claim{}, false, fmt.Errorf("claim: %w", err)
		}
		other := []Claim{{Point: point, Attempt: attempt, path: path}}
		switch other[0].Owner, err = read(path); {
		case errors.Is(err, fs.ErrNotExist):
			n = -1 // given up this moment: look again
			continue
		case err != nil:
			return Claim{}, false, err
		}
		if f.judge(other); other[0].Live {
			return other[0], false, nil
		}
	}
}

// Release gives up a claim of this process.
func (c Claim) Release() error {
	if err := atomicfile.Remove(c.path); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	return nil
}

// List gives all claims.
func (f *Folder) List() ([]Claim, error) {
	all, err := f.all()
	if err == nil {
		f.judge(all)
	}
	return all, err
}

// Clean removes the claims of attempts that are over, those that killed runners left among them.
func (f *Folder) Clean(over func(point string, attempt int) (bool, error)) error {
	all, err := f.all()
	if err != nil {
		return err
	}
	for _, c := range all {
		done, err := over(c.Point, c.Attempt)
		if err == nil && done {
			err = c.Release()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) all() ([]Claim, error) {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	var all []Claim
	for _, e := range entries {
		parts := strings.Split(e.Name(), ".")
		if len(parts) != 3 || parts[0] == "" {
			continue
		}
		attempt, err := strconv.Atoi(parts[1])
		if err != nil {
			continue
		}
		c := Claim{Point: parts[0], Attempt: attempt, path: filepath.Join(f.dir, e.Name())}
		if c.Owner, err = read(c.path); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// read gives the owner that a claim names. One that is not whole, as a file system without links can show it, is of an
// unknown owner.
func read(path string) (Owner, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Owner{}, fmt.Errorf("claim: %w", err)
	}
	var o Owner
	if json.Unmarshal(text, &o) != nil {
		return Owner{}, nil
	}
	return o, nil
}

// judge finds out which owners live. Slurm is asked once, and only for what this host cannot know itself.
func (f *Folder) judge(claims []Claim) {
	var remote []*Claim
	var jobs []string
	for i := range claims {
		c := &claims[i]
		switch o := c.Owner; {
		case o.Host == f.me.Host:
			c.Live = o.Began != "" && o.Began == began(o.PID)
		case o.Job == "":
			c.Live = true
		case o.Job == f.me.Job:
			c.Live = o.Restarts == f.me.Restarts
		default:
			c.Live = true
			remote, jobs = append(remote, c), append(jobs, o.Job)
		}
	}
	if len(remote) == 0 {
		return
	}
	if alive, known := slurm.Alive(jobs); known {
		for _, c := range remote {
			c.Live = alive[c.Owner.Job]
		}
	}
}

// began is when a process started, in clock ticks since boot; empty if there is none.
func began(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in parentheses, can hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const state, start = 0, 19
	if len(fields) <= start || fields[state] == "Z" {
		return ""
	}
	return fields[start]
}
