package trial

import (
	"hepex/harness/record"
	"hepex/network"
	"hepex/packing"
)

// plain is what is known of a point without encryption: its pruned network, and how it compares with the unpruned one.
type plain struct {
	unpruned plainQuality
	pruned   *prepared
	geometry network.Geometry // of the network as planned, before pruning folds anything away
	folded   *network.Folded
	tiles    *packing.Model // the pruned tiles, whatever the layout

	quality record.Quality // but for what comes of encryption
	counts  record.Tiles
	shares  *record.Shares
	warnings
}

// plain takes the networks from the cache, or makes them, and compares them.
func (p *preparer) plain() (*plain, error) {
	unpruned, err := p.run(p.reference())
	if err != nil {
		return nil, err
	}
	out := &plain{unpruned: unpruned.quality}
	if out.pruned, err = p.run(pruningOptions(p.spec)); err != nil {
		return nil, err
	}
	if out.geometry, err = p.spec.EvaluatedGeometry(p.source.Form()); err != nil {
		return nil, err
	}
	if out.folded, err = out.pruned.state.Net.Fold(); err != nil {
		return nil, &Failure{"unsupported", err}
	}
	if out.quality, err = p.compare(unpruned.quality, out.pruned.quality, out.folded, p.spec.Choice()); err != nil {
		return nil, err
	}
	if p.hasOriginal() {
		o, err := p.original()
		if err != nil {
			return nil, err
		}
		out.quality.Original = &o.Test
		out.warnOfReplaced(p.spec, o, unpruned.quality)
	}
	orders := out.pruned.state.Orders
	if out.tiles, err = packing.TilesOf(p.spec.Tile).Pack(out.folded, orders); err != nil {
		return nil, err
	}
	out.counts = countTiles(out.tiles)
	if out.shares, err = shares(p.spec, unpruned.state.Net.Geometry(), out.folded, orders); err != nil {
		return nil, err
	}
	out.warnOfChance(p.spec.Data, out.pruned.quality)
	out.warnOfStraight("", out.pruned)
	if p.spec.Prune.Scheme != "dense" {
		out.warnOfStraight("the unpruned network, ", unpruned)
	}
	out.warnOfCollapse(out.counts)
	out.warnings = append(out.warnings, out.pruned.state.Notes...)
	return out, nil
}

// compare tells what pruning lost. The plain network of a scalar layout is the one of integer weights.
func (p *preparer) compare(unpruned, pruned plainQuality, f *network.Folded, c packing.Choice) (q record.Quality, err error) {
	q = record.Quality{Metric: pruned.Metric, Unpruned: unpruned.Test, Plain: pruned.Test, Margin: pruned.Margin}
	if p.spec.Data.IsRandom() { // no answer would be wrong, and no error a share of another
		return q, nil
	}
	validation := pruned.Validation
	if rounded := c.Evaluated(f); rounded != f {
		if q.Plain, err = score(rounded, p.samples.test); err != nil {
			return q, err
		}
		if validation, err = score(rounded, p.samples.validation); err != nil {
			return q, err
		}
	}
	q.Degradation = degradation(q.Metric, unpruned.Test, q.Plain)
	q.ValidationDegradation = degradation(q.Metric, unpruned.Validation, validation)
	return q, nil
}

// degradation is accuracy lost as a fraction, or the relative increase of the mean squared error.
func degradation(metric string, unpruned, pruned float64) float64 {
	if metric == "accuracy" {
		return unpruned - pruned
	}
	return pruned/unpruned - 1
}

// score is the mean score of a plain network. Samples are not kept in memory for it.
func score(f *network.Folded, samples part) (float64, error) {
	d, err := samples.read()
	if err != nil {
		return 0, err
	}
	y := f.Forward(dense(d))
	sum := 0.0
	for b := range d.Len() {
		sum += scoreSample(d, b, y.RawRowView(b))
	}
	return sum / float64(d.Len()), nil
}

func countTiles(m *packing.Model) record.Tiles {
	tiles := record.Tiles{Total: m.Layout.Tiles()}
	for i := range m.Layers {
		ly, kept := &m.Layers[i], m.KeptTiles(i)
		tiles.Kept += kept
		tiles.Layers = append(tiles.Layers, record.Layer{
			Name: ly.Name, Total: ly.Tiles(), Kept: kept, Products: m.Products(i), Rows: m.KeptRows(i),
		})
	}
	tiles.Density = float64(tiles.Kept) / float64(tiles.Total)
	return tiles
}

// warnOfStraight notes quadratics that died out.
func (w *warnings) warnOfStraight(which string, p *prepared) {
	g := p.state.Net.Geometry()
	for _, i := range p.straight {
		w.add("%s%s: the learnt quadratic after it died out: nothing is squared there", which, packing.LayerName(&g[i], i+1))
	}
}

// collapsed is the share of its proportional number of tiles under which a layer counts as collapsed.
const collapsed = 0.2

// warnOfCollapse notes layers that pruning all but removed.
func (w *warnings) warnOfCollapse(t record.Tiles) {
	for _, ly := range t.Layers {
		switch kept := float64(ly.Kept) / float64(ly.Total); {
		case ly.Kept == 0:
			w.add("layer %s has no tile left: the network is constant", ly.Name)
		case kept < collapsed*t.Density:
			w.add("layer %s collapsed: %d of %d tiles left", ly.Name, ly.Kept, ly.Total)
		}
	}
}
