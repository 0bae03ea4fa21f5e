package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"hepex/harness/atomicfile"
	"hepex/harness/claim"
	"hepex/harness/config"
	"hepex/harness/record"
)

// Several runners can work on the points of one experiment, on hosts that share its folder. Each claims a point's next
// attempt before it begins and leaves alone what others have in hand. Should two do the same point nevertheless, because one was
// taken for dead, both records are kept: each is an attempt of its own, and both are valid.

// lock keeps a second runner out of the folder for as long as this process lives. Where the file system has no locks, claims
// still keep them from doing the same points.
func lock(dir string) (func(), error) {
	path := filepath.Join(dir, ".lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil && !atomicfile.NoLocks(err) {
		return nil, errors.Join(fmt.Errorf("run: %s is in use by another run: wait for it to end, or choose another folder with --out", dir), f.Close())
	}
	return func() { f.Close() }, nil
}

// Claims is where the runners of an experiment's folder note what they have in hand.
func Claims(dir string) *claim.Folder { return claim.Open(filepath.Join(dir, "claims")) }

// claim takes the points that nobody else has in hand. Next are the attempts to make, as they were before it was decided what
// is to do: if one of them is made since then, that decision is void. Release gives up these claims and later ones.
func (r *runner) claim(todo []Planned, next map[string]int) (mine []Planned, release func() error, err error) {
	release = func() error {
		var errs []error
		for _, c := range r.taken {
			errs = append(errs, c.Release())
		}
		return errors.Join(append(errs, Claims(r.Dir).Clean(r.over))...)
	}
	owners := map[string]int{}
	for _, p := range todo {
		taken, owner, err := r.take(p.ID, next[p.ID])
		switch {
		case err != nil:
			return nil, nil, errors.Join(err, release())
		case taken:
			mine = append(mine, p)
		case owner != "":
			owners[owner]++
		}
	}
	for owner, points := range owners {
		r.warn("%s has %d of the points in hand; should it be gone, delete what it left in %s", owner, points, filepath.Join(r.Dir, "claims"))
	}
	r.summary.Elsewhere = len(todo) - len(mine)
	return mine, release, nil
}

// take claims an attempt, unless somebody else has it in hand, who is named then, or it is made already.
func (r *runner) take(point string, attempt int) (mine bool, owner string, err error) {
	c, free, err := Claims(r.Dir).Take(point, attempt)
	if err != nil {
		return false, "", fmt.Errorf("run: %w", err)
	}
	if !free {
		return false, c.Owner.String(), nil
	}
	r.taken = append(r.taken, c)
	over, err := r.over(point, attempt)
	return !over, "", err
}

// over tells whether an attempt has a record.
func (r *runner) over(point string, attempt int) (bool, error) {
	next, err := r.store.NextAttempt(point)
	return next > attempt, err
}

// nextAttempts are the attempts that points have not had yet.
func nextAttempts(store *record.Store, plan []Planned) (map[string]int, error) {
	next := map[string]int{}
	for _, p := range plan {
		n, err := store.NextAttempt(p.ID)
		if err != nil {
			return nil, err
		}
		next[p.ID] = n
	}
	return next, nil
}

// some gives the points of a plan with these ids.
func some(plan []Planned, ids []string) []Planned {
	return slices.DeleteFunc(slices.Clone(plan), func(p Planned) bool { return !slices.Contains(ids, p.ID) })
}

// Attempt is an attempt at a point that is still to make.
type Attempt struct {
	Planned
	Number int
}

// Together puts attempts into groups that one process is to make: families of points that take turns, and every other point alone. Both are in
// the order in which they come.
func Together(all []Attempt) (groups [][]Attempt) {
	for _, a := range all {
		of := func(group []Attempt) bool {
			return takesTurns(group[0].Planned) && takesTurns(a.Planned) && related(group[0].Planned, a.Planned)
		}
		if i := slices.IndexFunc(groups, of); i >= 0 {
			groups[i] = append(groups[i], a)
		} else {
			groups = append(groups, []Attempt{a})
		}
	}
	return groups
}

// Freeze keeps the config with the results, for those who make attempts later, and gives its hash.
func Freeze(c *config.Config, plan []Planned, o Options) (sha256 string, err error) {
	r := newRunner(c.Name, c.Limits, o)
	err = r.freeze(c, plan)
	return r.configHash, err
}

// Missing lists what a run with these options would do now, without what others have in hand. Damaged records are set aside.
func Missing(c *config.Config, plan []Planned, o Options) ([]Attempt, error) {
	r := newRunner(c.Name, c.Limits, o)
	next, err := nextAttempts(r.store, plan)
	if err != nil {
		return nil, err
	}
	todo, err := r.missing(plan)
	if err != nil {
		return nil, err
	}
	claims, err := Claims(o.Dir).List()
	if err != nil {
		return nil, err
	}
	var out []Attempt
	for _, p := range todo {
		a := Attempt{Planned: p, Number: next[p.ID]}
		if !slices.ContainsFunc(claims, func(c claim.Claim) bool { return c.Live && c.Point == a.ID && c.Attempt == a.Number }) {
			out = append(out, a)
		}
	}
	return out, nil
}

// Make makes attempts, but for those that are made or in another's hands. The hash is that of the frozen config, empty if there is none.
func Make(ctx context.Context, experiment, configSHA256 string, limits config.Limits, attempts []Attempt, o Options) (Summary, error) {
	r := newRunner(experiment, limits, o)
	r.configHash, r.summary.Points = configSHA256, len(attempts)
	var todo []Planned
	next := map[string]int{}
	for _, a := range attempts {
		over, err := r.over(a.ID, a.Number)
		if err != nil {
			return r.summary, err
		}
		if over {
			r.summary.Before++
			continue
		}
		todo, next[a.ID] = append(todo, a.Planned), a.Number
	}
	mine, release, err := r.claim(todo, next)
	if err != nil {
		return r.summary, err
	}
	err = r.do(ctx, mine)
	return r.summary, errors.Join(err, release())
}

// CleanClaims removes the claims of attempts that have a record.
func CleanClaims(dir string) error {
	r := &runner{store: record.NewStore(dir)}
	return Claims(dir).Clean(r.over)
}
