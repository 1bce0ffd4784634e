package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRedactArgs(t *testing.T) {
	tests := []struct{ in, want string }{
		{"mysql|-u|root|--password|s3cret|db", "mysql|-u|root|--password|***|db"},
		{"mysql|--password=s3cret", "mysql|--password=***"},
		{"env|AWS_SECRET_ACCESS_KEY=abc|PATH=/bin", "env|AWS_SECRET_ACCESS_KEY=***|PATH=/bin"},
		{"sh|-c|DB_PASSWORD='abc' run --fast", "sh|-c|DB_PASSWORD='***' run --fast"},
		{"psql|postgres://app:pw@db:5432/x", "psql|postgres://app:***@db:5432/x"},
		{"curl|-H|Authorization: Bearer abcdef123", "curl|-H|Authorization: *** ***"},
		{"git|clone|https://x:ghp_abcdefghijklmnopqrstuvwx@github.com/a/b", "git|clone|https://x:***@github.com/a/b"},
		{"aws|AKIAIOSFODNN7EXAMPLE", "aws|***"},
		{"x|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def", "x|***"},
		{`x|{"api_key": "abc", "n": 1}`, `x|{"api_key": "***", "n": 1}`},
		{"x|--token|--verbose", "x|--token|--verbose"},
		{"x|--token-file|/run/secrets/t", "x|--token-file|***"},
		{"python3|-m|http.server|8000", "python3|-m|http.server|8000"},
		{"ssh|git@github.com:a/b", "ssh|git@github.com:a/b"},
		{"curl|http://a/b@c", "curl|http://a/b@c"},
	}
	for _, tt := range tests {
		in := strings.Split(tt.in, "|")
		kept := slices.Clone(in)
		got := strings.Join(redactArgs(in), "|")
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
		if !slices.Equal(in, kept) {
			t.Errorf("%s: the argument was changed", tt.in)
		}
	}
}
