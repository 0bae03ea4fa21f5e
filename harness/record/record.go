// Package record holds what is kept of every measured point: the record types, whose JSON names are a
// contract with outside readers; the registry of metrics that drives axes, tables and labels; and the
// store, one JSON file per attempt, written whole or not at all, or a line of one file that gathers them.
package record

import "time"

// Schema is the version of the record format, stored in every record.
const Schema = 1

// Status is how an attempt at a point ended.
type Status string

// The statuses of a record.
const (
	OK        Status = "ok"
	Failed    Status = "failed"
	Timeout   Status = "timeout"
	OOM       Status = "oom"
	Refused   Status = "refused"
	Cancelled Status = "cancelled"
)

// The orders of measuring: by turns with other points, or one point after the other.
const (
	Interleaved = "interleaved"
	Sequential  = "sequential"
)

// Record is one attempt at one point. BytesUp and BytesDown are what is sent of one batch, without keys and model; in older records, what it takes in memory.
// Sections that the attempt did not reach are absent.
type Record struct {
	Schema     int               `json:"schema"`
	Experiment string            `json:"experiment"`
	Point      string            `json:"point"`
	Attempt    int               `json:"attempt"`
	Status     Status            `json:"status"`
	Error      *Error            `json:"error,omitempty"`
	Warnings   []string          `json:"warnings,omitempty"`
	Label      string            `json:"label,omitempty"`
	Params     map[string]any    `json:"params"`
	Seeds      map[string]uint64 `json:"seeds"`
	StartedAt  time.Time         `json:"started_at"`
	EndedAt    time.Time         `json:"ended_at"`

	ConfigSHA256 string `json:"config_sha256,omitempty"` // of config.yaml beside the records; once that was replaced, of configs/<first 12 digits>.yaml

	Limits      *Limits     `json:"limits,omitempty"`  // absent in older records
	Data        *Data       `json:"data,omitempty"`    // of files of one's own, and of random inputs
	Measure     *Measure    `json:"measure,omitempty"` // absent without encryption, and in older records
	Quality     *Quality    `json:"quality,omitempty"`
	Range       *Range      `json:"range,omitempty"` // absent without encryption, and in older records
	Tiles       *Tiles      `json:"tiles,omitempty"`
	Shares      *Shares     `json:"shares,omitempty"`
	Operations  *Operations `json:"operations,omitempty"`
	LevelsUsed  int         `json:"levels_used,omitempty"`
	Batch       int         `json:"batch,omitempty"`
	Threads     int         `json:"threads,omitempty"`
	Order       string      `json:"order,omitempty"` // interleaved: at least half of the repeats took turns with those of other points
	Latency     *Latency    `json:"latency_s,omitempty"`
	Noise       *Noise      `json:"noise,omitempty"`
	Predicted   *Predicted  `json:"predicted,omitempty"`
	BytesUp     int64       `json:"bytes_up,omitempty"`
	BytesDown   int64       `json:"bytes_down,omitempty"`
	Memory      *Memory     `json:"memory_bytes,omitempty"`
	Training    *Training   `json:"training,omitempty"`
	HE          *HE         `json:"he,omitempty"`
	Leakage     []string    `json:"leakage,omitempty"` // what is revealed beside the outputs, and to whom
	Environment Environment `json:"environment"`

	Checksum string `json:"checksum,omitempty"` // of the stored record; set when it is read
}

// Error says why an attempt has no result. Log is the tail of what its process printed.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Log     string `json:"log,omitempty"`
}

// Limits are what the point was allowed to take; 0 is no limit.
type Limits struct {
	MemoryBytes    int64   `json:"memory_bytes"`
	TimeoutSeconds float64 `json:"timeout_s"`
}

// Data says what files of one's own hold, and how it was brought to scale. A network takes and gives scaled values. Without data it says
// what random inputs the network was evaluated on.
type Data struct {
	Random       bool     `json:"random,omitempty"` // classes and targets are the network's own answers: quality says nothing
	Files        []string `json:"files"`
	Format       string   `json:"format"`
	SHA256       string   `json:"sha256"` // of the one file, or of the digests of several, or of how random inputs are drawn
	Shape        []int    `json:"shape"`  // of a sample: height, width, channels
	Train        int      `json:"train"`
	Test         int      `json:"test"`
	HeldOut      bool     `json:"held_out"`          // the test samples are a random part of the files' only split
	Columns      []string `json:"columns,omitempty"` // names of inputs
	Classes      int      `json:"classes,omitempty"`
	Names        []string `json:"names,omitempty"` // of classes
	Targets      int      `json:"targets,omitempty"`
	Scaling      Scaling  `json:"scaling"`                 // of inputs
	TargetScales *Scaling `json:"target_scales,omitempty"` // of what a regression should give
}

// Scaling makes (v − Offset)·Factor of a value: for each channel, of a table each column, or for each target. Both come from the training
// split; kind none has neither.
type Scaling struct {
	Kind   string    `json:"kind"`
	Offset []float64 `json:"offset,omitempty"`
	Factor []float64 `json:"factor,omitempty"`
}

// Measure is how the evaluation was to be timed, as configured. It decides how well a point is measured, not what comes out,
// so it is not among the Params.
type Measure struct {
	Warmup  int     `json:"warmup"`
	Repeats Repeats `json:"repeats"`
	Order   string  `json:"order"`
}

// Repeats is between Min and Max evaluations, until half the interval of their median is at most CI of it.
type Repeats struct {
	Min int     `json:"min"`
	Max int     `json:"max"`
	CI  float64 `json:"ci"`
}

// Quality compares the pruned network with the unpruned one, and the encrypted run with the plain one.
// Unpruned, Plain and the degradations are over the full test set (ValidationDegradation: the validation
// split), and of random inputs say nothing; Encrypted, Agreement, OutputErrorMax and PrecisionBits over the Samples of the encrypted batch.
type Quality struct {
	Metric                string  `json:"metric"` // accuracy (a fraction) or mse
	Unpruned              float64 `json:"unpruned"`
	Plain                 float64 `json:"plain"`
	Encrypted             float64 `json:"encrypted"`
	Degradation           float64 `json:"degradation"`
	ValidationDegradation float64 `json:"validation_degradation"`
	Agreement             float64 `json:"agreement"`        // share of samples with the same arg max encrypted and plain
	Margin                float64 `json:"margin,omitempty"` // classifiers: between the two largest plain outputs, median over the test set; absent in older records
	Samples               int     `json:"samples"`
	OutputErrorMax        float64 `json:"output_error_max"`
	PrecisionBits         float64 `json:"precision_bits"` // −log2(max|encrypted − plain| / max|plain|)

	// The same of single samples, each relative to its own largest output: the worst of them, and what 95 % of them reach.
	SamplePrecisionMin float64 `json:"sample_precision_bits_min,omitempty"`
	SamplePrecisionP05 float64 `json:"sample_precision_bits_p05,omitempty"`

	// Of a network from a file as it is there, with its own activations and before any training, over the full test set.
	Original *float64 `json:"original,omitempty"`
}

// Range says whether the moduli hold the values of the network on all Samples of the test set, as the plain network has them.
type Range struct {
	Beyond       float64 `json:"beyond"` // share of samples with a value that some modulus does not hold; 0 is expected
	Samples      int     `json:"samples"`
	HeadroomBits float64 `json:"headroom_bits"` // by how many bits values may exceed the largest of training and validation samples, in the layer that has least room
}

// Tiles counts the weight tiles of the network. Density is Kept / Total.
type Tiles struct {
	Total   int     `json:"total"`
	Kept    int     `json:"kept"`
	Density float64 `json:"density"`
	Layers  []Layer `json:"layers"`
}

// Shares is what the network takes of what the unpruned one does in the same layout, by nominal prices and sizes: of the seconds of an
// evaluation, of the server's memory at its peak, and of the bytes that it is sent. TileTime is the share of the unpruned network's
// evaluation that tile products take: the most that pruning tiles alone could save.
type Shares struct {
	Evaluation float64 `json:"evaluation"`
	Memory     float64 `json:"memory"`
	Upload     float64 `json:"upload"`
	TileTime   float64 `json:"tile_time"`
}

// Layer counts the weight tiles of one layer, whatever its kind: each tap of a kernel has tiles of its own, for each pair of a group of input
// channels and one of output channels. A tile is stored once and multiplied at every output position, but where its tap lies in the
// padding: memory follows Kept, time follows Products. A row is the ciphertext of a group of output channels at one position, with
// the sums, rotations and square that it takes whatever is kept. A fully connected layer has one position: as many products as tiles.
type Layer struct {
	Name     string `json:"name"`
	Total    int    `json:"total"`
	Kept     int    `json:"kept"`
	Products int    `json:"products,omitempty"` // of kept tiles, in one evaluation; absent in older records, as are rows
	Rows     int    `json:"rows,omitempty"`     // that have a kept tile
}

// Operations counts the homomorphic operations of one evaluation. Items splits the products and
// rotations by what they are for (tile products, masks, squares, sums, …).
type Operations struct {
	CtPtMul     int            `json:"ct_pt_mul"`
	CtCtMul     int            `json:"ct_ct_mul"`
	Rotate      int            `json:"rotate"`
	Relinearize int            `json:"relinearize"`
	Rescale     int            `json:"rescale"`
	Add         int            `json:"add"`
	Items       map[string]int `json:"items,omitempty"`
}

// Latency is in seconds. The model is encoded and encrypted on all processors; one wall time is split between both. Evaluate holds every
// sample, EvaluateMedian their median and Low to High its 95 % interval; one evaluation is a whole batch. Those predicted to take less than a tenth
// of a second follow an untimed one each, unless measure.warmup is 0 (Warmed): they are those of a server that is busy, not of one that wakes.
// Older records have none that do.
type Latency struct {
	Keygen           float64     `json:"keygen"`
	EncodeModel      float64     `json:"encode_model"`
	EncryptModel     float64     `json:"encrypt_model"`
	EncryptInput     float64     `json:"encrypt_input"`
	Evaluate         []float64   `json:"evaluate"`
	EvaluateAt       []float64   `json:"evaluate_at,omitempty"` // when each began, after started_at
	Warmed           bool        `json:"warmed,omitempty"`
	EvaluateMedian   float64     `json:"evaluate_median"`
	EvaluateLow      float64     `json:"evaluate_low"`
	EvaluateHigh     float64     `json:"evaluate_high"`
	EvaluatePerImage float64     `json:"evaluate_per_image"`
	Decrypt          float64     `json:"decrypt"`
	PerLayer         []LayerTime `json:"per_layer,omitempty"`
	Rotation         float64     `json:"rotation"`            // one top-level rotation at the point's own parameters, timed in the same process
	Reference        float64     `json:"reference,omitempty"` // R: one of lattigo's at fixed parameters, timed beside; absent in older records
}

// LayerTime is the time of one layer, a median, or of one kind of primitives, in seconds.
type LayerTime struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// Predicted is what the cost model said before the evaluation: seconds by counts and this machine's prices, of which kinds of primitives
// take so much, and the peak of memory. PricesBeside is the share of the cores that other processes kept busy when the prices
// were measured, at most: where it is high, prices are, and what is predicted from them.
type Predicted struct {
	Evaluate     float64     `json:"evaluate_s"`
	PerPrimitive []LayerTime `json:"per_primitive,omitempty"` // absent in older records
	PricesBeside *float64    `json:"prices_beside,omitempty"` // absent in older records
	PeakBytes    int64       `json:"peak_bytes"`
}

// Memory is in bytes. PeakRSS is VmHWM of the process that evaluated, over the first evaluation; in older records over all, with the keys of
// what times rotations between them.
type Memory struct {
	PeakRSS int64 `json:"peak_rss"`
	Model   int64 `json:"model"`
	Keys    int64 `json:"keys"`
	Input   int64 `json:"input"`
}

// Training says what producing the network cost. Cached is true when nothing had to be trained.
type Training struct {
	EpochsTotal int     `json:"epochs_total"`
	Seconds     float64 `json:"seconds"`
	Cached      bool    `json:"cached"`
}

// HE describes the CKKS parameters. LogQ and LogP are the bit lengths of the moduli.
type HE struct {
	LogN         int     `json:"log_n"`
	LogQ         []int   `json:"log_q"`
	LogP         []int   `json:"log_p"`
	LogQP        float64 `json:"log_qp"`
	LogScale     int     `json:"log_scale"`
	SecurityBits int     `json:"security_bits"` // 128, or 0 when insecure
	Insecure     bool    `json:"insecure"`
	Ring         string  `json:"ring"`
	Weights      string  `json:"weights"` // plain or encrypted
}

// Environment is the machine and build that an attempt ran on.
type Environment struct {
	Host       string            `json:"host"`
	Commit     string            `json:"commit"`
	Dirty      bool              `json:"dirty"`
	Binary     string            `json:"binary_sha256,omitempty"` // of the program
	Go         string            `json:"go"`
	Modules    map[string]string `json:"modules"`
	CPU        string            `json:"cpu"`
	Kernels    string            `json:"kernels,omitempty"` // the arithmetic that ran: avx512-ifma, avx2-fma or portable; absent in older records
	BLAS       string            `json:"blas,omitempty"`    // the library that multiplies matrices in training: gonum (also where absent) or openblas
	Cores      int               `json:"cores"`
	GOMAXPROCS int               `json:"gomaxprocs"`
	GOGC       string            `json:"gogc"`
	RAMBytes   int64             `json:"ram_bytes"`
	Kernel     string            `json:"kernel"` // of the operating system
	Load1      float64           `json:"load1"`
}
