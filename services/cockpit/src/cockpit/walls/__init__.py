"""Wall displays (大屏): devices that show the views of one unit and nothing else."""
