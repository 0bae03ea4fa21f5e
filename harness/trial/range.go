package trial

import (
	"math"

	"hepex/harness/record"
	"hepex/inference"
	"hepex/network"
)

// kindRange is the kind of failure of a point some of whose values were too large for a modulus.
const kindRange = "range"

// noteRange notes how many test samples have values beyond what the moduli hold, and tells which. None is expected.
func (t *trial) noteRange(p inference.Parameters, test network.Data) (beyond []bool) {
	m, headroom := t.packed.model, t.spec.HE.Headroom
	room := p.Room(m.Layout, t.packed.profile)
	r := &record.Range{Samples: test.Len(), HeadroomBits: math.Inf(1)}
	for i, margin := range t.values.margins(headroom) {
		r.HeadroomBits = math.Min(r.HeadroomBits, margin+room[i])
	}
	peaks := peaksOf(t.packed.folded.Simplify(), test)
	sample, full, n := make([]float64, len(peaks)), t.packed.profile.Means != nil, 0
	for s := range test.Len() {
		for i := range peaks {
			sample[i] = peaks[i][s]
		}
		beyond = append(beyond, t.values.beyond(sample, headroom, m.Batch, full, room))
		if beyond[s] {
			n++
		}
	}
	r.Beyond = float64(n) / float64(r.Samples)
	t.rec.Range = r
	if n > 0 {
		t.warn(record.RangeWarning+"%d of %d test samples have values beyond what the moduli hold: %s", n, r.Samples, t.moreRoom())
	}
	return beyond
}

// moreRoom says what to change where values are too large.
func (t *trial) moreRoom() string {
	if t.spec.HE.LogQ != nil {
		return "enlarge he.log_q[0], or lower he.log_scale"
	}
	return "raise he.headroom"
}
