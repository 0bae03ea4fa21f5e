package config

import (
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

// maxPoints bounds a sweep: more points could never be measured, and a slip in a range makes millions.
const maxPoints = 10000

// sweep says which points to make of the base.
type sweep struct {
	factors []factor
	when    []conditional
	exclude []exclusion
	cases   []special
}

// conditional is an element of when: further factors of the points that match.
type conditional struct {
	node    *yaml.Node
	match   []match
	factors []factor
	paths   []string // the keys of factors
}

// factor is one factor of a product: the variants of a key, or of keys that advance together.
type factor []variant

// variant is a set of overrides, in order.
type variant []override

// override replaces what is at path by section (see settings.with).
type override struct {
	path    string
	section settings
}

// match holds for the points that have value at the key of field.
type match struct {
	field *field
	value any
}

// exclusion is an element of exclude.
type exclusion struct {
	node  *yaml.Node
	match []match
	fits  bool // some point
}

// special is an element of cases.
type special struct {
	label   string
	factors []factor
}

// candidate is a point before it is read.
type candidate struct {
	label    string
	settings settings
	product  bool     // comes from grid, zip and when, so that exclude applies
	varied   []string // the keys that elements of when gave it
}

// points expands the sweep over the base and checks every point. n is nil if there is no sweep.
func (r *reader) points(base settings, n *yaml.Node) []Point {
	candidates := []candidate{{settings: base, product: true}}
	var exclude []exclusion
	if n != nil {
		base.draft().report(r) // also of values that every point overrides
		before := len(r.errs)
		s := r.sweep(n)
		if len(r.errs) > before {
			return nil // the points would lack what the sweep means to give
		}
		var ok bool
		if candidates, ok = r.candidates(s, base); !ok {
			r.errorf(n, "sweep: more than %d points; want at most %[1]d", maxPoints)
			return nil
		}
		exclude = s.exclude
	}
	points := r.check(base, candidates, exclude)
	for _, e := range exclude {
		if !e.fits {
			r.idles(e.node, "sweep.exclude")
		}
	}
	if len(points) == 0 && len(r.errs) == 0 {
		r.errorf(n, "sweep: exclude leaves no point; want at least one")
	}
	return points
}

// check reads the candidates that are not excluded and reports what is wrong with them.
func (r *reader) check(base settings, candidates []candidate, exclude []exclusion) (points []Point) {
	for _, c := range candidates {
		d := c.settings.draft()
		r.find(d)
		d.drawInputs(r.models)
		if c.product && excluded(&d.spec, exclude) {
			continue
		}
		d.check(r.models)
		if len(d.faults) > 0 {
			d.report(r)
			continue
		}
		p := Point{Label: c.label, Spec: d.spec, given: d.spec, files: r.files, settings: c.settings, base: base}
		p.Params = params(&p.Spec)
		points = append(points, p)
	}
	return points
}

// excluded tells whether an entry fits, and notes all that do.
func excluded(s *Spec, exclude []exclusion) (fits bool) {
	for i := range exclude {
		if matches(s, exclude[i].match) {
			exclude[i].fits, fits = true, true
		}
	}
	return fits
}

// idles notes an entry that fits no point.
func (r *reader) idles(n *yaml.Node, what string) {
	r.idle = append(r.idle, Error{r.files[n], n.Line, n.Column, what + " fits no point of grid, zip and when"})
}

func matches(s *Spec, all []match) bool {
	return !slices.ContainsFunc(all, func(m match) bool { return !reflect.DeepEqual(m.field.get(s), m.value) })
}

func size(factors []factor) int {
	product := 1
	for _, f := range factors {
		product = min(product*max(1, len(f)), maxPoints+1) // a factor is empty only if its values are unusable
	}
	return product
}

// candidates are the points before exclude applies. There must be no more than maxPoints.
func (r *reader) candidates(s *sweep, base settings) (all []candidate, ok bool) {
	if size(s.factors) > maxPoints {
		return nil, false
	}
	for _, point := range expand(base, s.factors) {
		all = append(all, candidate{settings: point, product: true})
	}
	for _, c := range s.when {
		if all, ok = r.multiply(all, c); !ok {
			return nil, false
		}
	}
	for _, c := range s.cases {
		if len(all)+size(c.factors) > maxPoints {
			return nil, false
		}
		for _, point := range expand(base, c.factors) {
			all = append(all, candidate{label: c.label, settings: point})
		}
	}
	return all, true
}

// multiply puts their variants in the place of the points that c matches. There must be no more than maxPoints.
func (r *reader) multiply(points []candidate, c conditional) (all []candidate, ok bool) {
	fits := false
	for i, p := range points {
		if !matches(&p.settings.draft().spec, c.match) {
			all = append(all, p)
			continue
		}
		fits = true
		for _, path := range c.paths {
			if covered(path, p.varied) || slices.ContainsFunc(p.varied, func(other string) bool { return covered(other, []string{path}) }) {
				r.errorf(c.node, "sweep.when: %s is swept by an entry before, for some of the same points; want each key once for a point", path)
			}
		}
		if len(all)+size(c.factors)+len(points)-i-1 > maxPoints {
			return nil, false
		}
		for _, changed := range expand(p.settings, c.factors) {
			all = append(all, candidate{settings: changed, product: true, varied: slices.Concat(p.varied, c.paths)})
		}
	}
	if !fits {
		r.idles(c.node, "sweep.when: if")
	}
	return all, true
}

// report passes on what is wrong with single values, whether or not a point has them.
func (s *sweep) report(r *reader) {
	factors := slices.Clone(s.factors)
	for _, c := range s.when {
		factors = append(factors, c.factors...)
	}
	for _, c := range s.cases {
		factors = append(factors, c.factors...)
	}
	for _, f := range factors {
		for _, v := range f {
			for _, o := range v {
				o.section.draft().report(r)
			}
		}
	}
}

// expand is the cartesian product of the factors, the first one slowest.
func expand(base settings, factors []factor) []settings {
	points := []settings{base}
	for _, f := range factors {
		var next []settings
		for _, point := range points {
			for _, v := range f {
				changed := point
				for _, o := range v {
					changed = changed.with(o.path, o.section)
				}
				next = append(next, changed)
			}
		}
		points = next
	}
	return points
}
