package trial

import (
	"math"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/network"
)

// kindRange is the kind of failure of a point some of whose values were too large for a modulus.
const kindRange = "range"

// checkRange notes how many test samples have values beyond what the moduli hold, and tells which. None is expected.
func (p *proof) checkRange(c *choice, he config.HE, test network.Data) (beyond []bool) {
	headroom, room := he.Headroom, c.params.Room(c.model.Layout, c.profile)
	r := &record.Range{Samples: test.Len(), HeadroomBits: math.Inf(1)}
	for i, margin := range c.values.margins(headroom) {
		r.HeadroomBits = math.Min(r.HeadroomBits, margin+room[i])
	}
	peaks := peaksOf(c.folded.Simplify(), test)
	sample, full, n := make([]float64, len(peaks)), c.profile.Means != nil, 0
	for s := range test.Len() {
		for i := range peaks {
			sample[i] = peaks[i][s]
		}
		beyond = append(beyond, c.values.beyond(sample, headroom, c.model.Batch, full, room))
		if beyond[s] {
			n++
		}
	}
	r.Beyond = float64(n) / float64(r.Samples)
	p.inRange = r
	if n > 0 {
		p.warnings.add(record.RangeWarning+"%d of %d test samples have values beyond what the moduli hold: %s", n, r.Samples, moreRoom(he))
	}
	return beyond
}

// moreRoom says what to change where values are too large.
func moreRoom(he config.HE) string {
	if he.LogQ != nil {
		return "enlarge he.log_q[0], or lower he.log_scale"
	}
	return "raise he.headroom"
}
