package packing

import "slices"

// Feeds lists, for each ciphertext that comes to a layer, the inputs that it is, or is part of where the layer pools: of those that some
// step reads.
func (ly *Layer) Feeds(steps []Step) [][]int32 {
	feeds := make([][]int32, ly.Cols)
	if ly.Pools == nil {
		inputs := make([]int32, ly.Cols)
		for _, s := range steps {
			for _, in := range s.New {
				inputs[in] = in
				feeds[in] = inputs[in : in+1 : in+1]
			}
		}
		return feeds
	}
	groups, most := ly.InGroups(), ly.overlaps()
	room := make([]int32, ly.Cols*most)
	for col := range feeds {
		feeds[col] = room[col*most : col*most : (col+1)*most]
	}
	for _, s := range steps {
		for _, in := range s.New {
			for _, position := range ly.Pools[int(in)/groups] {
				col := int(position)*groups + int(in)%groups
				feeds[col] = append(feeds[col], in)
			}
		}
	}
	return feeds
}

// limbs is the number of polynomials modulo one prime of a ciphertext.
func limbs(degree, level int) int { return (degree + 1) * (level + 1) }

// rowLimbs follows one row: its sums of products, as many as giants have a tile, what is there at most on its way, and what it ends as.
func (ly *Layer) rowLimbs(sums int, encrypted bool) (sum, most, end int) {
	degree := 1
	if encrypted {
		degree = 2
	}
	sum = limbs(degree, ly.Level)
	most, end = sum, sum
	next := func(level int) {
		n := limbs(1, level)
		most, end = max(most, end+n), n
	}
	switch {
	case ly.Giants != nil:
		linear := limbs(1, ly.Level)
		most = sums*sum + linear // one is made, relinearised or in the end the sum of all
		sum, end = sums*sum, linear
		next(ly.SumLevel())
	case !ly.Integer:
		if ly.SumFirst && encrypted {
			next(ly.Level)
		}
		next(ly.SumLevel())
	}
	if ly.Mask {
		next(ly.SquareLevel())
	}
	if !ly.Square {
		return sum, most, end
	}
	square := limbs(2, ly.SquareLevel())
	if ly.Lazy {
		return sum, max(most, end+square), square
	}
	level := ly.SquareLevel()
	if !ly.Delayed {
		level--
	}
	return sum, max(most, end+square+limbs(1, level)), limbs(1, level)
}

// atOnce is how many of some rows threads bring to their ends at the same time, at most.
func (ly *Layer) atOnce(rows, threads int) int {
	if ly.Rows < threads {
		threads = 1 // all of them share the limbs of a row
	}
	return min(rows, threads)
}

// PeakLimbs is how many polynomials the ciphertexts of an evaluation have when they are most, without its inputs: it follows the
// evaluation step by step. Several threads are taken to be all where a row needs most.
func (l *Layout) PeakLimbs(kept [][][]bool, encrypted bool, threads int) int {
	p := peak{Layout: l, encrypted: encrypted, threads: threads}
	for i := range l.Layers {
		ly := &l.Layers[i]
		computes := make([]int, ly.Groups())
		for g, row := range kept[i] {
			computes[g] = ly.sumsOf(row)
		}
		p.computes, p.steps = append(p.computes, computes), append(p.steps, ly.Steps(kept[i], threads))
	}
	for i := range l.Layers {
		p.layer(i, kept[i])
	}
	return p.most
}

// peak is an evaluation that only counts.
type peak struct {
	*Layout
	computes  [][]int // by layer and group of outputs: sums of products, none for hidden rows without a tile, which are constant
	steps     [][]Step
	encrypted bool
	threads   int
	now, most int
}

func (p *peak) add(n int) {
	p.now += n
	p.most = max(p.most, p.now)
}

func (p *peak) layer(i int, kept [][]bool) {
	ly := &p.Layers[i]
	input, rotated := limbs(1, ly.Level), ly.rotatedInputs(kept, p.encrypted)
	p.add(rotated * input)
	receive := p.receiver(i)
	for _, s := range p.steps[i] {
		if i == 0 && ly.Pools != nil {
			p.add(len(s.New) * input)
		}
		p.rows(i, s)
		receive(s)
		for _, in := range s.Done {
			if i == 0 && ly.Pools != nil || i > 0 && p.computes[i-1][int(in)%ly.InGroups()] > 0 {
				p.now -= input
			}
		}
	}
	p.now -= rotated * input
}

// rows sums the rows of a step and brings them to their ends.
func (p *peak) rows(i int, s Step) {
	ly, n, early, late, begun, ended := &p.Layers[i], 0, 0, 0, 0, 0
	_, _, end := ly.rowLimbs(1, p.encrypted)
	for r := s.First; r < s.Last; r++ {
		if sums := p.computes[i][ly.Group(r)]; sums > 0 {
			sum, most, end := ly.rowLimbs(sums, p.encrypted)
			n, early, late, begun, ended = n+1, max(early, most-sum), max(late, most-end), begun+sum, ended+end
		}
	}
	for _, rows := range []int{begun + early*ly.atOnce(n, p.threads), ended + late*ly.atOnce(n, p.threads)} { // the first on their way, and the last
		p.add(rows)
		p.now -= rows
	}
	p.now += ended
	if i == len(p.Layers)-1 {
		p.add((s.Last - s.First - n) * end) // without a tile, an output is its bias
	}
}

// receiver takes the rows of a step as inputs of the next layer: each as the first of a sum if it is no other's, else copied to it. What is
// not taken is free.
func (p *peak) receiver(i int) func(s Step) {
	if i == len(p.Layers)-1 {
		return func(Step) {}
	}
	ly, next := &p.Layers[i], &p.Layers[i+1]
	feeds, came := next.Feeds(p.steps[i+1]), make([]int, next.Ciphertexts())
	input := limbs(1, next.Level)
	row := input
	if ly.Lazy {
		row = limbs(2, ly.SquareLevel())
	}
	return func(s Step) {
		free, complete := 0, 0
		for r := s.First; r < s.Last; r++ {
			if p.computes[i][ly.Group(r)] == 0 {
				continue
			}
			free++
			for _, in := range feeds[r] {
				switch {
				case came[in] > 0:
				case len(feeds[r]) == 1:
					free--
				default:
					p.add(row)
				}
				if came[in]++; ly.Lazy && came[in] == p.SquaresAdded(i) {
					complete++
				}
			}
		}
		p.now -= free * row
		if complete > 0 {
			p.add(min(complete, p.threads) * input)
			p.now += (complete-min(complete, p.threads))*input - complete*row
		}
	}
}

// mostOpen is how many sums are begun and not yet relinearised, at most, if so many positions come at a time.
func (p *Places) mostOpen(positions int) (most int) {
	open := make([]int, ceilDiv(p.comes(), positions))
	for _, pool := range p.Pools {
		for step := int(slices.Min(pool)) / positions; step <= int(slices.Max(pool))/positions; step++ {
			open[step]++
		}
	}
	return slices.Max(open)
}

// rotatedInputs is how many rotations of inputs are made for all rows.
func (ly *Layer) rotatedInputs(kept [][]bool, encrypted bool) (n int) {
	if !ly.Rotates(encrypted) {
		return 0
	}
	for _, in := range ly.reads(kept) {
		if _, k := ly.Input(in); ly.Rotations[k] != 0 {
			n++
		}
	}
	return n
}

// mostLimbs bounds what is there beside the inputs of a layer and of the next, whatever tiles are kept.
func (l *Layout) mostLimbs(i int, encrypted bool, threads int) int {
	ly, last := &l.Layers[i], i == len(l.Layers)-1
	sum, most, end := ly.rowLimbs(ly.sums(), encrypted)
	rows := min(ly.Rows, ly.rowsInFlight(threads))
	n := rows*sum + ly.atOnce(rows, threads)*(most-sum)
	if ly.Rotates(encrypted) {
		n += (ly.Inputs() - ly.Ciphertexts()) * limbs(1, ly.Level)
	}
	if ly.Lazy {
		next := &l.Layers[i+1]
		open := next.InGroups() * next.mostOpen(ly.rowsInFlight(threads)/ly.Groups())
		n += rows*max(0, end-sum) + open*(limbs(2, ly.SquareLevel())-limbs(1, next.Level)) + threads*limbs(1, next.Level)
	}
	if i == 0 && ly.Pools != nil {
		n += ly.Ciphertexts() * limbs(1, ly.Level)
	}
	if last {
		n += ly.Rows * end
	}
	return n
}
