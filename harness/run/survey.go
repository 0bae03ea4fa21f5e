package run

import (
	"time"

	"hepex/harness/record"
	"hepex/harness/stats"
)

// Survey is how far an experiment is, whoever runs it.
type Survey struct {
	Points, Done, Failed int
	Running              int           // points that runners do at this moment, one each
	Unfinished           []string      // ids of points that have no record, those that run among them
	TimeLeft             time.Duration // as estimated; 0 when nothing runs or nothing is known yet
	Damaged              int           // files that are no intact record
}

// Left is the number of points that nobody has begun.
func (s Survey) Left() int { return max(0, len(s.Unfinished)-s.Running) }

// Look surveys the points of a plan in an experiment's folder.
func Look(plan []Planned, dir string) (Survey, error) {
	store := record.NewStore(dir)
	have, damaged, err := store.Load()
	if err != nil {
		return Survey{}, err
	}
	claims, err := Claims(dir).List()
	if err != nil {
		return Survey{}, err
	}
	s := Survey{Points: len(plan), Damaged: len(damaged)}
	byPoint := map[string]*record.Record{}
	for _, rec := range have {
		byPoint[rec.Point] = rec
	}
	var durations []float64 // in seconds
	planned := map[string]bool{}
	for _, p := range plan {
		planned[p.ID] = true
		switch rec := byPoint[p.ID]; {
		case rec == nil:
			s.Unfinished = append(s.Unfinished, p.ID)
		case rec.Status == record.OK:
			s.Done++
			durations = append(durations, duration(rec).Seconds())
		default:
			s.Failed++
		}
	}
	// A runner claims all that it is going to do, and does one after the other.
	runners := map[string]bool{}
	pending := 0
	for _, c := range claims {
		next, err := store.NextAttempt(c.Point)
		if err != nil {
			return Survey{}, err
		}
		if c.Live && planned[c.Point] && next <= c.Attempt {
			pending++
			runners[c.Owner.String()] = true
		}
	}
	s.Running = len(runners)
	if s.Running > 0 && len(durations) > 0 {
		each, err := stats.Median(durations)
		if err != nil {
			return Survey{}, err
		}
		s.TimeLeft = time.Duration(each.Median * float64(max(pending, len(s.Unfinished))) / float64(s.Running) * float64(time.Second))
	}
	return s, nil
}

// duration is what a point took, with the training that it needed.
func duration(r *record.Record) time.Duration {
	d := r.EndedAt.Sub(r.StartedAt)
	if r.Training != nil && !r.Training.Cached {
		d += time.Duration(r.Training.Seconds * float64(time.Second))
	}
	return d
}
