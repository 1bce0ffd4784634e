package main

import (
	"regexp"
	"slices"
	"strings"
)

// hidden stands for what a report does not tell, as with pid1's --redact.
const hidden = "***"

// secrets are the texts within one argument that look like a secret; the first
// group is what may be told of them.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?i)(\b(?:bearer|basic|digest)\s+)[\w+/=.~-]{6,}`),
	regexp.MustCompile(`(?i)(\b[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|credential|auth)[\w.-]*["']?\s*[=:]\s*["']?)[^\s"'&;,]+`),
	regexp.MustCompile(`(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?:@)`),
	regexp.MustCompile(`()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`),
	regexp.MustCompile(`()\bgh[pousr]_[A-Za-z0-9]{20,}\b`),
	regexp.MustCompile(`()\bglpat-[\w-]{20,}`),
	regexp.MustCompile(`()\bxox[abprs]-[\w-]{10,}`),
	regexp.MustCompile(`()\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+`), // a JSON web token
	regexp.MustCompile(`()-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?`),
}

// secretOption is an option whose value is the next argument.
var secretOption = regexp.MustCompile(`(?i)^--?[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api-?key|access-?key|credential)[\w-]*$`)

// redactText hides what looks like a secret in one text.
func redactText(s string) string {
	for _, re := range secrets {
		s = re.ReplaceAllStringFunc(s, func(m string) string {
			out := re.ReplaceAllString(m, "${1}"+hidden)
			if strings.HasSuffix(m, "@") {
				out += "@"
			}
			return out
		})
	}
	return s
}

// redactArgs hides what looks like a secret in a command line. It returns a copy.
func redactArgs(args []string) []string {
	out := slices.Clone(args)
	for i := range out {
		if i > 0 && secretOption.MatchString(args[i-1]) && !strings.HasPrefix(args[i], "-") {
			out[i] = hidden
			continue
		}
		out[i] = redactText(out[i])
	}
	return out
}
