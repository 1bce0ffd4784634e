// Package flagwords puts pflag's errors into the words of both programs: what is
// wrong with which word.
package flagwords

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// Error returns err in these words; errors that are not pflag's stay as they are.
func Error(err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Errorf("unknown option -%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return fmt.Errorf("unknown option --%s", unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		return fmt.Errorf("option --%s needs a value", missing.GetFlag().Name)
	case errors.As(err, &invalid):
		return fmt.Errorf("cannot use --%s %s: %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	case errors.As(err, &syntax):
		return fmt.Errorf("cannot understand the option %s", syntax.GetSpecifiedFlag())
	}
	return err
}
