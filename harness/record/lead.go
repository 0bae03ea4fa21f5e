package record

// leadFrom names the metric that each lead compares.
var leadFrom = map[string]string{
	"lead.evaluation": "shares.evaluation",
	"lead.memory":     "shares.memory",
	"lead.upload":     "shares.upload",
	"lead.latency":    "latency.evaluate",
	"lead.peak_rss":   "memory.peak_rss",
}

// lead is what a pruned network saves against the cheapest network without pruning that is as good: 1 − x/x of the one of least x among
// the dense and the small points with the same parameters but for those of prune that lose no more on validation samples.
func (s Set) lead(r *Record, source string) (float64, bool) {
	v, ok := Value(r, source)
	if !ok || r.Quality == nil || r.unpruned() {
		return 0, false
	}
	least := 0.0
	for _, base := range s {
		if !base.unpruned() || base.Quality == nil || base.Quality.ValidationDegradation > r.Quality.ValidationDegradation || !AlikeBut(r, base, "prune.") {
			continue
		}
		if d, ok := Value(base, source); ok && d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	if least == 0 {
		return 0, false
	}
	return 1 - v/least, true
}

// unpruned tells whether the point is one of a network without pruning.
func (r *Record) unpruned() bool {
	return r.isDense() || r.Status == OK && text(r.Params["prune.scheme"]) == "small"
}
