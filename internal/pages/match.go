package pages

import (
	"regexp"
	"strings"
)

// Matches reports whether got is what a text block says. Spaces at the ends of
// lines, empty lines at both ends, and how many spaces or tabs there are in a column do not
// count.
func Matches(want, got string) bool {
	var re strings.Builder
	re.WriteString(`\A`)
	for _, line := range strings.Split(tidy(want), "\n") {
		if strings.TrimSpace(line) == "…" {
			re.WriteString(`(?:.*\n)*`)
			continue
		}
		re.WriteString(pattern(line) + `\n`)
	}
	re.WriteString(`\z`)
	return regexp.MustCompile(re.String()).MatchString(tidy(got) + "\n")
}

// Missing returns the lines of a text block that the lines of a screen do not
// contain, each anywhere.
func Missing(want, screen string) []string {
	var missing []string
	for _, line := range strings.Split(tidy(want), "\n") {
		if line = strings.TrimSpace(line); line == "" || line == "…" {
			continue
		}
		if !regexp.MustCompile(pattern(line)).MatchString(screen) {
			missing = append(missing, line)
		}
	}
	return missing
}

// pattern is a regular expression for a line with … in it.
func pattern(line string) string {
	line = anything.ReplaceAllString(regexp.QuoteMeta(line), ".*")
	return spaces.ReplaceAllString(line, " +")
}

var (
	anything = regexp.MustCompile(` *… *`)
	spaces   = regexp.MustCompile(` +`)
)

func tidy(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(strings.ReplaceAll(l, "\t", " "), " \r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
