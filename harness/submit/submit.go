// Package submit runs an experiment on Slurm: a job array with one task for each missing point, or for those that take turns, and after it a
// job that collects what came out. Tasks and runners on any hosts work in the same folder; claims keep them apart.
//
// A submission has a folder of its own in the experiment's, slurm/<time>, with the points, the scripts, the logs and a copy of
// the program, so that nothing edited or built meanwhile changes what the tasks do.
package submit

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/run"
	"hepex/harness/slurm"
)

// Options say what to submit and what to ask of Slurm.
type Options struct {
	Run run.Options // where, and what to do again

	Partition  string
	Time       time.Duration // of a task; 0: limits.timeout for each stage and each retry of one point, and a margin
	Memory     int64         // of a task, in bytes; 0: limits.memory and a margin, or what Slurm gives
	CPUs       int           // of a task; 0: as many as evaluations have threads
	MaxRunning int           // tasks at the same time; 0: no limit
	Exclusive  bool          // no other job on a task's node
	Shared     bool          // other jobs may run there even though latencies are measured
	Extra      []string      // options of sbatch
}

// Margins above the limits of the config, so that a point that exceeds these is ended by the task, which records why.
const (
	memoryMargin = 256 << 20
	timeMargin   = 5 * time.Minute
)

// What collecting needs.
const (
	collectTime   = 30 * time.Minute
	collectMemory = 1 << 30
)

// Prepared is a submission that Send can send.
type Prepared struct {
	Folder  string          // absolute
	Groups  [][]run.Attempt // by task
	Queued  int             // missing points that an earlier submission is about to do
	Tasks   slurm.Script
	Collect slurm.Script // without the number of the array

	config  *config.Config
	plan    []run.Planned
	options Options
}

// Prepare finds what is missing and writes the scripts, but no files.
func Prepare(c *config.Config, plan []run.Planned, o Options, now time.Time) (*Prepared, error) {
	var err error
	for _, dir := range []*string{&o.Run.Dir, &o.Run.CacheDir, &o.Run.Executable} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return nil, fmt.Errorf("submit: %w", err)
		}
	}
	missing, err := run.Missing(c, plan, o.Run)
	if err != nil {
		return nil, err
	}
	queued, err := Queued(o.Run.Dir)
	if err != nil {
		return nil, err
	}
	p := &Prepared{Folder: filepath.Join(o.Run.Dir, folderName, now.UTC().Format("20060102T150405.000Z")), config: c, plan: plan, options: o}
	p.Groups = run.Together(slices.DeleteFunc(missing, func(a run.Attempt) bool {
		if queued[a.ID] {
			p.Queued++
		}
		return queued[a.ID]
	}))
	p.script()
	return p, nil
}

func (p *Prepared) script() {
	o, limits := p.options, p.config.Limits
	cpus, encrypted := 1, false
	for _, a := range slices.Concat(p.Groups...) {
		cpus = max(cpus, a.Spec.Measure.Threads)
		encrypted = encrypted || a.Spec.Measure.Encrypted
	}
	program := filepath.Join(p.Folder, programName)
	verbatim := strings.ReplaceAll(p.Folder, "%", "%%")
	s := slurm.Script{
		Name: "hepex-" + p.config.Name, Output: filepath.Join(verbatim, logsName, "%a.log"), Tasks: len(p.Groups), MaxRunning: o.MaxRunning,
		Partition: o.Partition, CPUs: cpus, Exclusive: o.Exclusive || encrypted && !o.Shared, Memory: o.Memory, Time: o.Time, Options: o.Extra,
		Variables: machine.ForChildren(),
		Command:   []string{program, "task", p.Folder},
	}
	if o.CPUs > 0 {
		s.CPUs = o.CPUs
	}
	if s.Memory == 0 && limits.Memory > 0 {
		s.Memory = limits.Memory + memoryMargin
	}
	if s.Time == 0 {
		s.Time = time.Duration(2+limits.Retries)*limits.Timeout + timeMargin
	}
	p.Tasks = s
	p.Collect = slurm.Script{
		Name: s.Name + "-collect", Output: filepath.Join(verbatim, logsName, "collect.log"), After: "ARRAY",
		Partition: o.Partition, CPUs: 1, Memory: collectMemory, Time: collectTime, Options: o.Extra,
		Variables: s.Variables, Command: []string{program, "collect", p.Folder},
	}
}

// Sent is what Slurm has queued.
type Sent struct {
	Array, Collect string // numbers of jobs
	Tasks, Points  int
	Later          int // points that do not fit into one array
}

// Send writes the folder and submits both jobs, or none.
func (p *Prepared) Send() (Sent, error) {
	limit, err := slurm.MaxArraySize()
	if err != nil {
		return Sent{}, err
	}
	var later [][]run.Attempt
	if len(p.Groups) > limit {
		p.Groups, later = p.Groups[:limit], p.Groups[limit:]
	}
	p.script()
	if err := p.write(); err != nil {
		return Sent{}, err
	}
	points := func(groups [][]run.Attempt) int { return len(slices.Concat(groups...)) }
	sent := Sent{Tasks: len(p.Groups), Points: points(p.Groups), Later: points(later)}
	if sent.Array, err = p.queue(tasksScript, p.Tasks); err != nil {
		return Sent{}, err
	}
	p.Collect.After = sent.Array
	if err = writeState(p.Folder, state{Array: sent.Array}); err == nil {
		sent.Collect, err = p.queue(collectScript, p.Collect)
	}
	if err != nil {
		return Sent{}, errors.Join(err, slurm.Cancel(sent.Array))
	}
	return sent, nil
}

func (p *Prepared) queue(name string, s slurm.Script) (job string, err error) {
	path := filepath.Join(p.Folder, name)
	if err := atomicfile.Write(path, []byte(s.String())); err != nil {
		return "", fmt.Errorf("submit: %w", err)
	}
	return slurm.Submit(path)
}
