package record

// leadFrom names the metric that each lead compares: what a pruned network saves against the cheapest network without pruning that is as good.
var leadFrom = map[string]string{
	"lead.evaluation": "shares.evaluation",
	"lead.memory":     "shares.memory",
	"lead.upload":     "shares.upload",
	"lead.latency":    "latency.evaluate",
	"lead.peak_rss":   "memory.peak_rss",
}

// asGood tells whether base is a network without pruning, dense or small, that loses no more on validation samples than r, a pruned one, does.
func (r *Record) asGood(base *Record) bool {
	return !r.unpruned() && base.unpruned() && r.Quality != nil && base.Quality != nil &&
		base.Quality.ValidationDegradation <= r.Quality.ValidationDegradation
}

// unpruned tells whether the point is one of a network without pruning.
func (r *Record) unpruned() bool {
	return r.isDense() || r.Status == OK && text(r.Params["prune.scheme"]) == "small"
}
