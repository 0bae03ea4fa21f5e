package packing

import "fmt"

// arranger searches the arrangements of a one-image layout, layer by layer from the end: what a layer costs
// depends on its own arrangement and on how its inputs lie.
type arranger struct {
	prepared  *prepared // in the place of the first layers; nil: an outer layer comes first
	dims      []int     // neurons; after a pooling, where the layer before it is prepared
	slots     int
	prices    Prices
	keyLimb   float64 // seconds that an evaluation is charged with for a polynomial of a key
	encrypted bool
	memo      map[state]choice
	babiesOf  map[[3]int]int             // by layer and numbers of rotations and rows
	priced    map[pricedLayer]layerPrice // which take most of the time, and do not depend on what keys are charged
}

// pricedLayer is what the price of a layer depends on. Many arrangements of inner layers have theirs in common: whatever their inputs' period
// and the window that they leave, so many rotations to the left and to the right cost the same.
type pricedLayer struct {
	layer, group, cols int // of the inputs
	pitch              int
	window             int // of outer layers
	fold, left, right  int
	babies             int
}

type layerPrice struct {
	seconds  float64
	keyLimbs int
}

// state is how the inputs of a layer lie: group neurons to each of cols ciphertexts, at a pitch with a window (outer
// layers) or repeating with the pitch as period (inner layers).
type state struct {
	layer, pitch, window, group, cols int
}

type choice struct {
	arrangement
	cost float64
}

// arrange gives the layers of the cheapest arrangement whose keys fit, or nearly so if none does.
func (s *arranger) arrange() ([]Layer, []arrangement) {
	const dearer, tries = 8, 6
	s.keyLimb = KeyLimbSeconds / evaluationsPerKey
	s.priced, s.babiesOf = map[pricedLayer]layerPrice{}, map[[3]int]int{}
	for try := 1; ; try++ {
		s.memo = map[state]choice{}
		var layers []Layer
		var place []arrangement
		limbs, in := 0, state{}
		for i := range s.last() + 1 {
			var a arrangement
			if i < s.base() {
				a.rotations = []int{0}
			} else {
				a = s.best(i, in).arrangement
			}
			ly := s.layer(i, in, a)
			ly.Level = s.level(i)
			limbs += ly.keyLimbs(1)
			layers, place = append(layers, ly), append(place, a)
			in = s.next(i, in, a)
		}
		if bytes := 8 * 2 * s.slots * limbs; bytes <= maxKeyBytes || try == tries {
			return layers, place
		}
		s.keyLimb *= dearer
	}
}

// base is the number of the first layer that is searched for: its outputs repeat with a period, and inner and outer layers follow in turns.
func (s *arranger) base() int {
	if s.prepared == nil {
		return 0
	}
	return s.prepared.base()
}

func (s *arranger) last() int { return len(s.dims) - 2 }

// level of the products of a layer when squares' rescalings are delayed.
func (s *arranger) level(i int) int { return len(s.dims) - 1 - i }

// best is the cheapest way from layer i to the end.
func (s *arranger) best(i int, in state) choice {
	if i > s.last() {
		return choice{}
	}
	in.layer = i
	if c, ok := s.memo[in]; ok {
		return c
	}
	best := choice{cost: -1}
	s.candidates(i, in, func(a arrangement) {
		cost := s.cost(i, in, a)
		if best.cost >= 0 && cost >= best.cost {
			return
		}
		rest := s.best(i+1, s.next(i, in, a)).cost
		if rest < 0 { // no arrangement reads such inputs
			return
		}
		if cost += rest; best.cost < 0 || cost < best.cost {
			best = choice{a, cost}
		}
	})
	s.memo[in] = best
	return best
}

// candidates lists arrangements of a layer.
func (s *arranger) candidates(i int, in state, try func(arrangement)) {
	switch {
	case i == s.base():
		least, most := 1, s.slots
		if s.prepared != nil {
			least = s.prepared.period()
		}
		if i > 0 {
			most = least
		}
		for pitch := least; pitch <= most; pitch *= 2 {
			try(arrangement{pitch: pitch, window: pitch, rotations: []int{0}})
		}
		if n := s.dims[1]; s.prepared != nil && i == 0 && n < least {
			try(arrangement{pitch: n, window: n, rotations: []int{0}}) // a period that the slots end in the midst of
		}
	case (i-s.base())%2 == 0:
		for _, n := range parts {
			if (n-1)*in.window < min(in.pitch, s.dims[i+1]) {
				try(outerArrangement(in, n))
			}
		}
	default:
		for pitch := 1; pitch <= s.slots; pitch *= 2 {
			for _, window := range s.windows(i, pitch) {
				s.folds(i, in, pitch, window, try)
			}
		}
	}
}

// parts are the numbers of windows that the outputs of an outer layer may be split into.
var parts = []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64}

// outerArrangement reads inputs in n rotations: their own, and to the right by multiples of the window.
func outerArrangement(in state, n int) arrangement {
	a := arrangement{pitch: in.pitch, window: in.window}
	for k := range n {
		a.rotations = append(a.rotations, -k*in.window)
	}
	return a
}

// windows lists how many copies of its outputs an inner layer may leave: what the next layer needs, or parts of it.
func (s *arranger) windows(i, pitch int) []int {
	if i == s.last() {
		return []int{1}
	}
	var w []int
	for _, n := range parts {
		v := min(ceilDiv(s.dims[i+2], n), pitch)
		if len(w) == 0 || w[len(w)-1] != v {
			w = append(w, v)
		}
	}
	return w
}

// folds tries all folds of an inner layer.
func (s *arranger) folds(i int, in state, pitch, window int, try func(arrangement)) {
	period := in.pitch
	for fold := 1; fold <= min(period, pitch-window+1); fold++ {
		if smooth(fold) && s.reaches(i, period, pitch, window, fold) {
			a := innerArrangement(min(in.group, s.dims[i]), arrangement{pitch: pitch, window: window, period: period, fold: fold})
			a.babies = s.babies(i, len(a.rotations), ceilDiv(s.dims[i+1], s.slots/pitch))
			try(a)
		}
	}
}

// babies is how many of so many rotations a giant step of each row takes together, 0 if they are cheaper without.
func (s *arranger) babies(i, rotations, rows int) int {
	key := [3]int{i, rotations, rows}
	if babies, ok := s.babiesOf[key]; ok {
		return babies
	}
	price := func(op Op) float64 { return s.prices(op, s.level(i)) }
	least, relinearize, n := price(ModDown), 0.0, float64(rotations-1)
	if s.encrypted {
		relinearize = price(Relinearize)
	}
	if s.encrypted || rows > 1 {
		least = n * (price(RotateInput) + price(ModDown))
	} else {
		least += n * (price(RotateDiagonal) + price(MulDiagonal) - price(MulPlain))
	}
	best := 0
	for babies := 1; babies < rotations; babies++ {
		giants := rows * (ceilDiv(rotations, babies) - 1)
		if cost := steps(s.prices, s.level(i), babies-1, giants) + float64(giants)*relinearize; cost < least {
			best, least = babies, cost
		}
	}
	s.babiesOf[key] = best
	return best
}

// reaches tells whether all that groups of outputs read lies before the end of the slots, unless inputs repeat beyond it too.
func (s *arranger) reaches(i, period, pitch, window, fold int) bool {
	groups := min(s.slots/pitch, s.dims[i+1])
	return s.slots%period == 0 || (groups-1)*pitch+window-1+ceilDiv(period, fold)*fold <= s.slots
}

// innerArrangement adds the rotations that an inner layer needs to read so many inputs: to the left by multiples of
// the fold, and for the further slots of a window by as many to the right as they lie beyond the fold. In a whole
// period of rotations the last ones are those to the right.
func innerArrangement(inputs int, a arrangement) arrangement {
	a.steps = ceilDiv(a.period, a.fold)
	right := ceilDiv(a.window-1, a.fold)
	if a.pitch%a.period == 0 { // groups start at the first input, so rotations past the last one bring nothing
		a.steps = min(a.steps, ceilDiv(inputs, a.fold))
	}
	if a.period%a.fold == 0 && (a.steps+right)*a.fold >= a.period {
		a.steps, right = a.period/a.fold, 0
	}
	for k := range a.steps {
		a.rotations = append(a.rotations, k*a.fold)
	}
	for k := right; k > 0; k-- {
		a.rotations = append(a.rotations, -k*a.fold)
	}
	return a
}

// smooth tells whether a sum of n slots falls into stages: 2^a times an odd number up to maxRadix.
func smooth(n int) bool {
	for n%2 == 0 {
		n /= 2
	}
	return n <= maxRadix
}

// layer is the program of a layer in an arrangement.
func (s *arranger) layer(i int, in state, a arrangement) Layer {
	babies, giants := a.split()
	ly := Layer{
		Name: fmt.Sprintf("fc%d", i+1), In: s.dims[i], Out: s.dims[i+1],
		Rotations: babies, Giants: giants, Square: i < s.last(), outer: (i-s.base())%2 == 0,
	}
	if i == 1 && s.prepared != nil {
		ly.Places = s.prepared.first.pooled()
	}
	switch {
	case s.prepared != nil && i <= s.base():
		square := ly.Square
		ly = s.prepared.layer(i, ly.In, ly.Out, s.slots)
		ly.Square = square
		return ly
	case i == 0:
		ly.InGroup, ly.OutGroup = s.slots/a.pitch, a.pitch
		ly.Cols = ceilDiv(ly.In, ly.InGroup)
		ly.Sum = newSum(a.pitch, s.slots/a.pitch, false)
	case ly.outer:
		ly.InGroup, ly.OutGroup = in.group, min(a.pitch, len(a.rotations)*a.window)
		ly.Cols = in.cols
		ly.Sum = newSum(a.pitch, s.slots/a.pitch, false)
	default:
		ly.InGroup, ly.OutGroup = in.group, s.slots/a.pitch
		ly.Cols = in.cols * ly.comes()
		ly.Sum = newSum(1, a.fold, false)
	}
	ly.Rows = ceilDiv(ly.Out, ly.OutGroup)
	return ly
}

// next is how the outputs lie.
func (s *arranger) next(i int, in state, a arrangement) state {
	if i < s.base() {
		return state{}
	}
	group := s.slots / a.pitch
	switch {
	case i <= s.base():
		group = a.pitch
	case (i-s.base())%2 == 0:
		group = min(a.pitch, len(a.rotations)*a.window)
	}
	return state{layer: i + 1, pitch: a.pitch, window: a.window, group: group, cols: ceilDiv(s.dims[i+1], group)}
}

// cost prices a dense layer and its keys.
func (s *arranger) cost(i int, in state, a arrangement) float64 {
	key := pricedLayer{i, in.group, in.cols, a.pitch, a.window, a.fold, a.steps, len(a.rotations) - a.steps, a.babies}
	if a.fold > 0 {
		key.window = 0
	}
	p, ok := s.priced[key]
	if !ok {
		p = s.price(i, in, a)
		s.priced[key] = p
	}
	return p.seconds + s.keyLimb*float64(p.keyLimbs)
}

func (s *arranger) price(i int, in state, a arrangement) layerPrice {
	ly := s.layer(i, in, a)
	ly.Level = s.level(i)
	c := Counts{}
	kept := make([]bool, ly.Terms())
	for term := range kept {
		kept[term] = true
	}
	ly.Delayed = ly.Square
	ly.rowCounts(kept, ly.uses(), s.encrypted, c)
	cost := float64(ly.Groups()) * c.Cost(s.prices)
	shared := Counts{}
	ly.inputCounts([][]bool{kept}, s.encrypted, shared)
	if !ly.Diagonals(s.encrypted) {
		shared.Add(ReadInput, ly.Level, ceilDiv(ly.Rows, ly.RowsTogether())*ly.Inputs())
	}
	return layerPrice{cost + shared.Cost(s.prices), ly.keyLimbs(1)}
}
