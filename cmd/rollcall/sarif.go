package main

import (
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rollcall-dev/rollcall/config"
)

// sarifLog is as much of SARIF 2.1.0 as there is to say.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID      string      `json:"id"`
	Short   sarifText   `json:"shortDescription"`
	Default sarifLevels `json:"defaultConfiguration"`
}

type sarifLevels struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
}

// sarifLogical is the rule, or the sink, that is wrong.
type sarifLogical struct {
	Name string `json:"name"`
	Full string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// asSARIF writes mistakes for programs that gather those of many tools.
func asSARIF(out io.Writer, reports []checked) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "rollcall", Version: buildVersion()}
	places := map[config.Code]int{}
	for i, s := range config.Sorts() {
		places[s.Code] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: string(s.Code), Short: sarifText{s.Doc}, Default: sarifLevels{level(config.Mistake{Warning: s.Warning})},
		})
	}
	for _, r := range reports {
		for _, m := range r.found() {
			run.Results = append(run.Results, sarifResult{
				RuleID: string(m.Code), RuleIndex: places[m.Code], Level: level(m),
				Message: sarifText{m.Message}, Locations: []sarifLocation{locationOf(m)},
			})
		}
	}
	return indented(out, sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}

func locationOf(m config.Mistake) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{
		Artifact: sarifArtifact{uri(m.File)}, Region: sarifRegion{StartLine: m.Line, StartColumn: m.Column},
	}}
	for kind, name := range map[string]string{"rules": m.Rule, "sinks": m.Sink} {
		if name != "" {
			l.Logical = append(l.Logical, sarifLogical{Name: name, Full: kind + "/" + name, Kind: "object"})
		}
	}
	return l
}

// uri is that of a file: relative if it is below the folder that the command runs in,
// as it is for whoever reads the report.
func uri(file string) string {
	file = relative(file)
	if filepath.IsAbs(file) {
		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	}
	return (&url.URL{Path: filepath.ToSlash(file)}).String()
}

// relative is the path of a file from where the command runs, if it is below.
func relative(file string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(file) {
		return filepath.Clean(file)
	}
	if below, err := filepath.Rel(here, file); err == nil && below != ".." && !strings.HasPrefix(below, ".."+string(filepath.Separator)) {
		return below
	}
	return file
}
