from __future__ import annotations

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from drlim import DrLIM

VARIANTS = [
    DrLIM(max_epochs=20),
    DrLIM(n_components=3, max_epochs=20),
    DrLIM(batch_size=8, interactions="batch", max_epochs=5),
]


@parametrize_with_checks([DrLIM(), *VARIANTS])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        "check_param_validation",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
        "check_dataframe_column_names_consistency",
        "check_n_features_in_after_fitting",
        "check_estimators_partial_fit_n_features",
        "check_transformer_preserve_dtypes",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_transformers_unfitted",
    ],
)
# These checks pass arrays to an estimator fitted on a data frame, on purpose.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("estimator", VARIANTS, ids=["default", "three components", "small batches"])
def test_checks_scikit_learn_leaves_to_the_caller(estimator, check):
    getattr(estimator_checks, check)("DrLIM", estimator)
